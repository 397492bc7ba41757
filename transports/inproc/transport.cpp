// Members of a run as threads of one process. The server opens a hub under a name; workers find it by that
// name, as with ZeroMQ's inproc addresses. Nothing crosses a network: wire counters stay 0.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <threepc/sdk.hpp>
#include <vector>

#include "../ranks.hpp"

namespace {

/// A message in a mailbox. Its bytes are shared, so that a broadcast is copied once for all workers.
struct Letter {
  std::uint32_t type;
  std::uint64_t round;
  std::uint64_t size;
  std::shared_ptr<const std::uint8_t[]> data;
};

/// What one member has sent to another and that one has not received yet. Any thread.
///
/// Two processors hand it to each other for every message, so it is small: what a message touches lies together, and
/// memory is kept.
class alignas(64) Mailbox {
 public:
  enum class Outcome { letter, closed, cancelled, timeout };

  /// False when the receiver is gone; nobody will ever read it.
  bool put(Letter letter) {
    std::unique_lock lock(mutex_);
    if (abandoned_) return false;
    letters_.push_back(std::move(letter));
    const bool awaited = awaited_;
    lock.unlock();  // first, or who is woken would wait for it
    if (awaited) changed_.notify_one();
    return true;
  }

  bool empty() {
    const std::lock_guard lock(mutex_);
    return letters_.empty();
  }

  /// The receiver is gone.
  void abandon() {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    letters_.clear();
    taken_ = 0;
  }

  /// The sender is gone; what it sent before is still delivered.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  void cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

  Outcome take(Letter& out, std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return cancelled_ || closed_ || !letters_.empty(); };
    if (!ready() && !wait(lock, deadline, ready)) return Outcome::timeout;
    if (cancelled_) return Outcome::cancelled;
    if (letters_.empty()) return Outcome::closed;
    out = std::move(letters_[taken_]);
    if (2 * ++taken_ >= letters_.size()) forget_taken();
    return Outcome::letter;
  }

 private:
  /// Not one by one, so that a letter costs the same however many there are.
  void forget_taken() {
    letters_.erase(letters_.begin(), letters_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
  }

  template <class Ready>
  bool wait(std::unique_lock<std::mutex>& lock, std::chrono::steady_clock::time_point deadline, Ready ready) {
    awaited_ = true;
    const bool in_time = changed_.wait_until(lock, deadline, ready);
    awaited_ = false;
    return in_time;
  }

  std::mutex mutex_;
  std::vector<Letter> letters_;
  std::size_t taken_ = 0;  // of letters_, from the front; fewer than half
  bool awaited_ = false;   // by the receiver
  bool closed_ = false;
  bool abandoned_ = false;
  bool cancelled_ = false;
  std::condition_variable changed_;
};

/// Where the members of one run meet: two mailboxes for each worker. Any thread.
class Hub {
 public:
  explicit Hub(std::uint32_t workers)
      : workers_(workers), to_worker_(workers), to_server_(workers), present_(workers) {}

  std::uint32_t workers() const { return workers_; }
  Mailbox& to_worker(std::uint32_t worker) { return to_worker_[worker]; }
  Mailbox& to_server(std::uint32_t worker) { return to_server_[worker]; }

  void join(std::uint32_t worker) {
    const std::lock_guard lock(mutex_);
    if (present_[worker])
      throw tpc::Error(TPC_INVALID_ARGUMENT,
                       tpc::text("rank ", worker, " has already joined; every worker needs a rank of its own"));
    present_[worker] = true;
    ++joined_;
    changed_.notify_all();
  }

  void cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

  void wait_for_all(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    const bool done = changed_.wait_until(lock, deadline, [&] { return cancelled_ || joined_ == workers_; });
    if (cancelled_) throw tpc::Error(TPC_CLOSED, "cancelled");
    if (!done) throw tpc::Error(TPC_TIMEOUT, threepc::not_joined(missing()));
  }

 private:
  std::vector<std::uint32_t> missing() const {
    std::vector<std::uint32_t> ranks;
    for (std::uint32_t rank = 0; rank < workers_; ++rank)
      if (!present_[rank]) ranks.push_back(rank);
    return ranks;
  }

  const std::uint32_t workers_;
  std::deque<Mailbox> to_worker_, to_server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> present_;
  std::uint32_t joined_ = 0;
  bool cancelled_ = false;
};

/// The open hubs of this process by name.
class Names {
 public:
  std::string add(const std::shared_ptr<Hub>& hub) {
    const std::lock_guard lock(mutex_);
    std::erase_if(hubs_, [](const auto& item) { return item.second.expired(); });
    std::string name = "inproc:" + std::to_string(++last_);
    hubs_[name] = hub;
    return name;
  }

  std::shared_ptr<Hub> find(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto at = hubs_.find(std::string(name));
    return at == hubs_.end() ? nullptr : at->second.lock();
  }

 private:
  std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::map<std::string, std::weak_ptr<Hub>> hubs_;
};

Names& names() {
  static Names all;
  return all;
}

class Inproc {
 public:
  static constexpr tpc::About about = {
      .id = "inproc",
      .version = "1.0.0",
      .summary = "Workers as threads of the server's process; nothing crosses a network.",
      .capabilities = TPC_IN_PROCESS};
  static constexpr auto params = tpc::params();

  Inproc(const tpc::NoOptions&, const tpc::Setup& setup)
      : workers_(setup.workers()), rank_(setup.worker()), held_(is_server() ? workers_ : 1) {}
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
    if (!post(to, letter_of(message))) throw tpc::Error(TPC_CLOSED, threepc::name_of(to) + " has left");
  }

  /// A worker that is gone is passed over, and receive tells; the others get their message.
  void broadcast(const tpc_message& message, tpc::Deadline) {
    if (!is_server()) throw tpc::Error(TPC_UNSUPPORTED, "only the server broadcasts");
    const Letter letter = letter_of(message);
    for (std::uint32_t worker = 0; worker < workers_; ++worker) post(tpc::member_of_worker(worker), letter);
  }

  tpc_message receive(std::uint32_t from, tpc::Deadline deadline) {
    Letter& held = held_[is_server() ? tpc::worker_of_member(checked(from)) : 0];
    Mailbox& box =
        is_server() ? opened().to_server(tpc::worker_of_member(from)) : opened().to_worker(rank_of_self(from));
    switch (box.take(held, time_point(deadline))) {
      case Mailbox::Outcome::cancelled:
        throw tpc::Error(TPC_CLOSED, "cancelled");
      case Mailbox::Outcome::closed:
        throw tpc::Error(TPC_CLOSED, threepc::name_of(from) + " has left");
      case Mailbox::Outcome::timeout:
        throw tpc::Error(TPC_TIMEOUT, "no message from " + threepc::name_of(from));
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
  bool is_server() const { return rank_ == tpc::server; }
  std::uint32_t rank_of_self(std::uint32_t from) const { return checked(from), rank_; }

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

  /// A star: the server speaks with workers, a worker with the server.
  std::uint32_t checked(std::uint32_t member) const {
    if (is_server() ? member == tpc::server_member || member > workers_ : member != tpc::server_member)
      throw tpc::Error(TPC_UNSUPPORTED, tpc::text("this member has no connection to member ", member));
    return member;
  }

  static Letter letter_of(const tpc_message& message) {
    auto data = std::make_shared_for_overwrite<std::uint8_t[]>(message.size);
    std::copy_n(message.data, message.size, data.get());
    return {message.type, message.round, message.size, std::move(data)};
  }

  /// False if the peer is gone and has left nothing to read.
  bool post(std::uint32_t to, const Letter& letter) {
    checked(to);
    const std::uint32_t worker = is_server() ? tpc::worker_of_member(to) : rank_;
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
  std::mutex hub_mutex_;  // hub_ itself against cancel(); the instance's own thread reads it without
  std::shared_ptr<Hub> hub_;
  std::string address_;
  std::atomic<bool> cancelled_{false};
  bool joined_ = false;
  std::vector<Letter> held_;  // the last message from each member, which the caller still looks at
  std::uint64_t sent_ = 0, received_ = 0;
};

}  // namespace

THREEPC_PLUGINS(tpc::transport<Inproc>);
