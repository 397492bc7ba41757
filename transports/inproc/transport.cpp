// Members of a run as threads of one process. The server opens a hub under a name; workers find it by that
// name, as with ZeroMQ's inproc addresses. Nothing crosses a network: wire counters stay 0.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <threepc/sdk.hpp>
#include <utility>
#include <vector>

#include "../links.hpp"
#include "hub.hpp"
#include "mailbox.hpp"

namespace threepc::inproc {
namespace {

class Inproc {
 public:
  static constexpr tpc::About about = {
      .id = "inproc",
      .version = "1.0.0",
      .summary = "Workers as threads of the server's process; nothing crosses a network.",
      .capabilities = TPC_IN_PROCESS};
  static constexpr auto params = tpc::params();

  Inproc(const tpc::NoOptions&, const tpc::Setup& setup)
      : workers_(setup.workers()), rank_(setup.worker()), links_(workers_, rank_), held_(links_.size()) {}
  ~Inproc() { leave(); }

  void open(std::string_view address, tpc::Deadline) {
    if (is_server()) {
      publish(std::make_shared<Hub>(workers_));
      address_ = names().add(hub_);
      return;
    }
    const std::shared_ptr<Hub> hub = names().find(address);
    if (hub == nullptr)
      throw tpc::Error(TPC_CLOSED, tpc::text("no server is open under the name '", address, "' in this process"));
    if (hub->workers() != workers_ || rank_ >= workers_)
      throw tpc::Error(TPC_INVALID_ARGUMENT, tpc::text("rank ", rank_, " of ", workers_, " does not fit a run of ",
                                                       hub->workers(), " workers"));
    publish(hub);
  }

  std::string address() const { return address_; }

  void join(tpc::Deadline deadline) {
    if (is_server()) return opened().wait_for_all(time_point(deadline));
    opened().join(rank_);
    joined_ = true;
  }

  void send(std::uint32_t to, const tpc_message& message, tpc::Deadline) {
    // A peer that is gone may have said why: what it sent is read first.
    if (!post(to, letter_of(message))) throw tpc::Error(TPC_CLOSED, name_of(to) + " has left");
  }

  /// A worker that is gone is passed over, and receive tells; the others get their message.
  void broadcast(const tpc_message& message, tpc::Deadline) {
    links_.require_server();
    const Letter letter = letter_of(message);
    for (std::uint32_t worker = 0; worker < workers_; ++worker) post(tpc::member_of_worker(worker), letter);
  }

  tpc_message receive(std::uint32_t from, tpc::Deadline deadline) {
    const std::size_t link = links_.index_of(from);
    Letter& held = held_[link];
    Mailbox& box = is_server() ? opened().to_server(worker_of(link)) : opened().to_worker(rank_);
    switch (box.take(held, time_point(deadline))) {
      case Mailbox::Outcome::cancelled:
        throw tpc::Error(TPC_CLOSED, "cancelled");
      case Mailbox::Outcome::closed:
        throw tpc::Error(TPC_CLOSED, name_of(from) + " has left");
      case Mailbox::Outcome::timeout:
        throw tpc::Error(TPC_TIMEOUT, "no message from " + name_of(from));
      case Mailbox::Outcome::letter:
        break;
    }
    received_ += held.size;
    return {sizeof(tpc_message), held.type, held.round, held.data.get(), held.size};
  }

  /// Any thread: it touches only a flag and the hub, whose parts lock.
  void cancel() noexcept {
    cancelled_ = true;
    const std::lock_guard lock(hub_mutex_);
    if (hub_ == nullptr) return;
    if (!is_server()) return hub_->to_worker(rank_).cancel();
    hub_->cancel();
    for (std::uint32_t worker = 0; worker < workers_; ++worker) hub_->to_server(worker).cancel();
  }

  tpc_traffic traffic() const { return {sizeof(tpc_traffic), 0, sent_, received_, 0, 0}; }

  void close(tpc::Deadline) { leave(); }

 private:
  bool is_server() const { return links_.is_server(); }
  /// Of the worker at the other end of a link, or of this one.
  std::uint32_t worker_of(std::size_t link) const { return is_server() ? static_cast<std::uint32_t>(link) : rank_; }

  static std::chrono::steady_clock::time_point time_point(tpc::Deadline deadline) {
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline.at));
  }

  void publish(std::shared_ptr<Hub> hub) {
    const std::lock_guard lock(hub_mutex_);
    hub_ = std::move(hub);
  }

  Hub& opened() const {
    if (cancelled_) throw tpc::Error(TPC_CLOSED, "cancelled");
    if (hub_ == nullptr) throw tpc::Error(TPC_CLOSED, "this member is not open");
    return *hub_;
  }

  static Letter letter_of(const tpc_message& message) {
    auto data = std::make_shared_for_overwrite<std::uint8_t[]>(message.size);
    std::copy_n(message.data, message.size, data.get());
    return {message.type, message.round, message.size, std::move(data)};
  }

  /// False if the peer is gone and has left nothing to read.
  bool post(std::uint32_t to, const Letter& letter) {
    const std::uint32_t worker = worker_of(links_.index_of(to));
    Mailbox& box = is_server() ? opened().to_worker(worker) : opened().to_server(worker);
    Mailbox& back = is_server() ? opened().to_server(worker) : opened().to_worker(worker);
    if (!box.put(letter)) return !back.empty();
    sent_ += letter.size;
    return true;
  }

  void leave() {
    if (hub_ == nullptr) return;
    if (!is_server() && joined_) leave(hub_->to_server(rank_), hub_->to_worker(rank_));
    for (std::uint32_t worker = 0; is_server() && worker < workers_; ++worker)
      leave(hub_->to_worker(worker), hub_->to_server(worker));
    publish(nullptr);
  }

  static void leave(Mailbox& out, Mailbox& in) {
    out.close();
    in.abandon();
  }

  const std::uint32_t workers_;
  const std::uint32_t rank_;
  const Star links_;
  std::mutex hub_mutex_;  // hub_ itself against cancel(); the instance's own thread reads it without
  std::shared_ptr<Hub> hub_;
  std::string address_;
  std::atomic<bool> cancelled_{false};
  bool joined_ = false;
  std::vector<Letter> held_;  // the last message from each member, which the caller still looks at
  std::uint64_t sent_ = 0, received_ = 0;
};

}  // namespace
}  // namespace threepc::inproc

THREEPC_PLUGINS(tpc::transport<threepc::inproc::Inproc>);
