// Members of a run as processes of one host that share memory. Messages go through rings, two for each worker; a socket
// beside them wakes who sleeps and tells who has died. There is no thread: all of it happens inside the calls.
#include <sys/eventfd.h>

#include <atomic>
#include <bit>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <threepc/sdk.hpp>
#include <vector>

#include "../links.hpp"
#include "connection.hpp"
#include "door.hpp"
#include "events.hpp"
#include "joining.hpp"
#include "patience.hpp"

namespace threepc::shm {
namespace {

struct Options {
  std::string_view name = "";
  std::int64_t ring = std::int64_t{1} << 20;
  std::int64_t max_message = std::int64_t{1} << 40;
};

class Shm : private Door::Keeper {
 public:
  static constexpr tpc::About about = {.id = "shm",
                                       .version = "1.0.0",
                                       .summary = "Workers as processes of one host, through shared memory.",
                                       .capabilities = TPC_REJOINS};
  static constexpr auto params = tpc::params(
      tpc::param<&Options::name>("name",
                                 "the server's name on this host, for workers without --connect; empty: a new one"),
      tpc::param<&Options::ring>("ring",
                                 "memory for each direction of each worker, rounded up to a power of two; more lets a "
                                 "sender of large messages run further ahead",
                                 {.unit = "bytes", .minimum = 4096, .maximum = 1 << 30}),
      tpc::param<&Options::max_message>("max_message", "a longer message is refused",
                                        {.unit = "bytes", .minimum = 1024, .maximum = 1e15}));

  Shm(const Options& options, const tpc::Setup& setup)
      : host_(&setup.host()),
        workers_(setup.workers()),
        rank_(setup.worker()),
        links_(workers_, rank_),
        ring_(std::bit_ceil(static_cast<std::uint64_t>(options.ring))),
        longest_(static_cast<std::uint64_t>(options.max_message)),
        configured_(options.name),
        cancel_bell_(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "make an eventfd")),
        peers_(links_.size()),
        told_(peers_.size()),
        held_(peers_.size()),
        limits_(peers_.size(), longest_) {
    events_.watch(cancel_bell_.number(), {Source::cancel});
  }

  void open(std::string_view address, tpc::Deadline) {
    name_ = address.empty() ? configured_ : address;
    if (is_server()) {
      if (name_.empty()) name_ = fresh_name();
      door_.open(name_);
    } else if (name_.empty()) {
      throw tpc::Error(TPC_INVALID_ARGUMENT,
                       "the server's name is not known; give it with --connect NAME, or set [transport] name");
    }
  }

  std::string address() const { return name_; }

  void join(tpc::Deadline deadline) {
    if (is_server())
      await_workers(deadline);
    else
      join_server(deadline);
  }

  void send(std::uint32_t to, const tpc_message& message, tpc::Deadline deadline) {
    Connection& peer = connected(links_.index_of(to));
    require_length(message.size, longest_);
    Outgoing outgoing(message);
    peer.put(outgoing);
    if (!outgoing.done() && !peer.gone()) {
      std::vector<Delivery> one;
      one.push_back({&peer, to, std::move(outgoing)});
      deliver(std::move(one), nullptr, deadline);
    }
    // A peer that is gone may have said why: what it sent is read first.
    if (peer.gone() && peer.finished()) throw lost(to, peer);
    if (!peer.gone()) payload_sent_ += message.size;
  }

  /// A worker that is gone is passed over, and receive tells; the others get their message.
  void broadcast(const tpc_message& message, tpc::Deadline deadline) {
    links_.require_server();
    require_length(message.size, longest_);
    std::vector<Delivery> slow;
    for (std::uint32_t worker = 0; worker < workers_; ++worker) {
      if (peers_[worker] == nullptr || connected(worker).gone()) continue;
      Connection& peer = connected(worker);
      payload_sent_ += message.size;
      Outgoing outgoing(message);
      peer.put(outgoing);
      if (!outgoing.done()) slow.push_back({&peer, tpc::member_of_worker(worker), std::move(outgoing)});
    }
    if (!slow.empty()) deliver(std::move(slow), &message, deadline);
  }

  tpc_message receive(std::uint32_t from, tpc::Deadline deadline) {
    const std::size_t at = links_.index_of(from);
    if (peers_[at] == nullptr || told_[at]) sleep_until(0);  // it may have come, or come back
    connected(at).want_message(true);
    const auto done = [&] {
      connected(at).read_message();  // looked up each time: a worker that joins again gets a new connection
      return connected(at).has_message() || connected(at).finished();
    };
    try {
      wait(deadline, "no message from " + name_of(from), done);
    } catch (const tpc::Error&) {
      connected(at).want_message(false);
      throw;
    }
    Connection& peer = connected(at);
    peer.want_message(false);
    if (!peer.has_message()) throw lost(from, peer);
    Inbound& held = held_[at];
    peer.take_message(held);
    payload_received_ += held.data.size();
    return {sizeof(tpc_message), held.type, held.round, held.data.data(), held.data.size()};
  }

  void limit(std::uint32_t from, std::uint64_t bytes) {
    const std::size_t at = links_.index_of(from);
    limits_[at] = std::min(bytes, longest_);
    if (peers_[at] != nullptr) peers_[at]->limit(limits_[at]);
  }

  /// Any thread: a flag, and a descriptor that wakes whoever waits.
  void cancel() noexcept {
    cancelled_ = true;
    eventfd_write(cancel_bell_.number(), 1);
  }

  tpc_traffic traffic() const {
    return {sizeof(tpc_traffic), 0, payload_sent_, payload_received_, wire_.sent, wire_.received};
  }

  /// Puts what was kept into the rings; the peers read it there whether or not this process still lives.
  void close(tpc::Deadline deadline) {
    door_.close();
    for (const auto& peer : peers_)
      if (peer != nullptr) peer->ignore_messages();
    const auto emptied = [&](const auto& peer) {
      if (peer == nullptr) return true;
      peer->drain();  // the peer may be in its close as well, and need room
      peer->flush();
      return peer->gone() || peer->kept() == 0;
    };
    wait(deadline, "a peer does not read what it was sent",
         [&] { return std::all_of(peers_.begin(), peers_.end(), emptied); });
    for (const auto& peer : peers_)
      if (peer != nullptr) peer->say_goodbye();
    closed_ = true;
  }

 private:
  static constexpr std::uint64_t most_kept = std::uint64_t{64} << 20;    // bytes waiting for one slow peer
  static constexpr std::int64_t patience_with_reader = 2 * millisecond;  // ns without progress; then the rest is kept

  /// A message that did not fit into a ring at once.
  struct Delivery {
    Connection* peer;
    std::uint32_t to;
    Outgoing message;
  };

  bool is_server() const { return links_.is_server(); }

  void log(tpc_log_level level, const std::string& text) const { host_->log(level, "shm", text.c_str()); }

  Connection& connected(std::size_t at) const {
    if (cancelled_) throw tpc::Error(TPC_CLOSED, "cancelled");
    if (closed_) throw tpc::Error(TPC_CLOSED, "this member has closed");
    if (peers_[at] == nullptr) throw tpc::Error(TPC_CLOSED, "not joined");
    return *peers_[at];
  }

  /// The caller learns of the loss, so the rank may be taken again.
  tpc::Error lost(std::uint32_t member, Connection& peer) {
    told_[links_.index_of(member)] = true;
    return {TPC_CLOSED, name_of(member) + " " + peer.reason()};
  }

  /// Looks, then sleeps, until `done`, or throws at the deadline or when cancelled.
  template <class Done>
  void wait(tpc::Deadline deadline, const std::string& late, Done done) {
    if (cancelled_) throw tpc::Error(TPC_CLOSED, "cancelled");
    if (done()) return;
    if (!wait_until(deadline, done)) throw tpc::Error(TPC_TIMEOUT, late);
  }

  /// False at the deadline. A deadline that has passed still hears what has happened.
  template <class Done>
  bool wait_until(tpc::Deadline deadline, Done done) {
    const auto now = [this] { return host_->now(); };
    if (now() < deadline.at && patience_.wait(now, [&] { return cancelled_ || done(); })) {
      if (cancelled_) throw tpc::Error(TPC_CLOSED, "cancelled");
      return true;
    }
    for (;;) {
      sleep_until(deadline.at);
      if (cancelled_) throw tpc::Error(TPC_CLOSED, "cancelled");
      if (done()) return true;
      if (now() >= deadline.at) return false;
    }
  }

  /// Until something happens; handles it.
  void sleep_until(std::int64_t deadline) {
    const bool idle = prepare_sleep();
    const auto awake = [this] {
      for (const auto& peer : peers_)
        if (peer != nullptr) peer->wake(), peer->flush();
    };
    events_.wait(idle ? milliseconds_to(deadline) : 0, awake, [this](Tag tag) { handle(tag); });
    if (is_server()) door_.attend();
  }

  /// False: something that is wanted is there already.
  bool prepare_sleep() {
    bool idle = true;
    for (const auto& peer : peers_)
      if (peer != nullptr) idle &= peer->sleep();
    return idle;
  }

  /// Not past the next time at which a stranger needs attention.
  int milliseconds_to(std::int64_t deadline) const {
    return milliseconds_between(host_->now(), door_.next_attention(deadline));
  }

  void handle(Tag tag) {
    switch (tag.source) {
      case Source::cancel:
        break;  // the flag says it
      case Source::listener:
        door_.accept();
        break;
      case Source::peer:
        peers_[tag.index]->listen();
        peers_[tag.index]->drain();
        break;
      case Source::stranger:
        door_.hear(tag.index);
        break;
    }
  }

  /// Streams to those who read, and takes over the rest for those who do not now. `shared`: all get this message.
  void deliver(std::vector<Delivery> pending, const tpc_message* shared, tpc::Deadline deadline) {
    const auto advance = [&] {
      bool moved = false;
      for (Delivery& each : pending) moved |= each.peer->put(each.message);
      std::erase_if(pending, [](const Delivery& each) {
        const bool over = each.message.done() || each.peer->gone();
        if (over) each.peer->want_space(false);
        return over;
      });
      return moved || pending.empty();
    };
    for (const Delivery& each : pending) each.peer->want_space(true);
    try {
      while (!pending.empty()) {
        const std::int64_t now = host_->now();
        if (wait_until({std::min(deadline.at, now + patience_with_reader)}, advance)) continue;
        keep_rest(pending, shared);
        if (!pending.empty() && host_->now() >= deadline.at) give_up(pending.front());
      }
    } catch (const tpc::Error&) {
      for (const Delivery& each : pending) each.peer->want_space(false);
      throw;
    }
  }

  /// Of those for whom not too much is kept already.
  void keep_rest(std::vector<Delivery>& pending, const tpc_message* shared) {
    std::shared_ptr<const Bytes> copy;
    std::erase_if(pending, [&](Delivery& each) {
      if (each.peer->kept() + each.message.left() > most_kept) return false;
      if (shared != nullptr) {
        if (copy == nullptr) copy = std::make_shared<const Bytes>(shared->data, shared->data + shared->size);
        each.message.payload = std::span(*copy).last(each.message.payload.size());
        each.message.owner = copy;
      }
      each.peer->want_space(false);
      each.peer->keep(std::move(each.message));
      return true;
    });
  }

  /// Half a message cannot be taken back: then the connection is at its end.
  [[noreturn]] void give_up(Delivery& late) {
    if (late.message.begun()) late.peer->lose("did not read in time, and was given up in the middle of a message");
    throw tpc::Error(TPC_TIMEOUT, name_of(late.to) + " does not read what it is sent");
  }

  void await_workers(tpc::Deadline deadline) {
    joining_ = true;
    try {
      wait(deadline, "", [&] { return joined_ == workers_; });
      joining_ = false;
    } catch (const tpc::Error& error) {
      joining_ = false;
      if (error.status() != TPC_TIMEOUT) throw;
      throw tpc::Error(TPC_TIMEOUT, not_joined(links_.missing([this](auto rank) { return peers_[rank] != nullptr; })) +
                                        " '" + name_ + "'");
    }
  }

  std::string objection(const Hello& hello) override {
    if (hello.magic != Hello::expected_magic || hello.version != Hello::expected_version)
      return "it does not speak this server's protocol; use equal versions of threepc";
    if (hello.workers != workers_)
      return tpc::text("this run has ", workers_, " workers, the one that wants to join expects ", hello.workers);
    if (hello.rank >= workers_)
      return tpc::text("rank ", hello.rank, " is out of range: this run has ", workers_, " workers, ranks 0 to ",
                       workers_ - 1);
    const auto& peer = peers_[hello.rank];
    if (peer != nullptr) peer->listen();  // that it has died may not have been heard yet
    if (peer != nullptr && !peer->gone()) return tpc::text("rank ", hello.rank, " has already joined");
    return "";
  }

  /// False: not yet. A rank that was lost is taken again only when the caller has been told of the loss; otherwise it
  /// would go on with a newcomer as if that knew everything.
  bool admit(std::uint32_t rank, Socket& socket) override {
    const bool again = peers_[rank] != nullptr;
    if (again && !joining_ && !told_[rank]) return false;
    if (again && !peers_[rank]->gone())
      return door_.refuse(socket, rank, tpc::text("rank ", rank, " has already joined")), true;
    try {
      take_in(socket, rank);
    } catch (const tpc::Error& error) {
      return door_.refuse(socket, rank, error.what()), true;
    }
    if (!again) ++joined_;
    told_[rank] = false;
    log(TPC_LOG_INFO, tpc::text("worker ", rank, again ? " joined again" : " joined"));
    return true;
  }

  void take_in(Socket& socket, std::uint32_t rank) {
    Segment segment(ring_);
    Answer answer;
    answer.ring = ring_;
    if (!socket.send(answer, &segment.file())) throw tpc::Error(TPC_CLOSED, "it did not wait for the answer");
    segment.file().reset();
    events_.forget(socket.number());
    events_.watch(socket.number(), {Source::peer, rank});
    const Ring out = segment.to_worker(), in = segment.to_server();
    peers_[rank] = std::make_unique<Connection>(std::move(socket), std::move(segment), out, in, limits_[rank], wire_);
  }

  void join_server(tpc::Deadline deadline) {
    Invitation invitation = Joining(*host_, events_, name_, rank_, workers_, cancelled_).join(deadline);
    connect_rings(std::move(invitation.socket), std::move(invitation.file), invitation.ring);
  }

  void connect_rings(Socket socket, Descriptor file, std::uint64_t ring) {
    if (!file || !std::has_single_bit(ring) || ring > std::uint64_t{1} << 30)
      throw tpc::Corrupt("the server '" + name_ + "' sent no usable shared memory");
    Segment segment(std::move(file), ring);
    events_.forget(socket.number());
    events_.watch(socket.number(), {Source::peer, 0});
    const Ring out = segment.to_server(), in = segment.to_worker();
    peers_[0] = std::make_unique<Connection>(std::move(socket), std::move(segment), out, in, limits_[0], wire_);
  }

  const tpc_host* host_;
  const std::uint32_t workers_;
  const std::uint32_t rank_;
  const Star links_;
  const std::uint64_t ring_;
  const std::uint64_t longest_;
  const std::string configured_;
  std::string name_;
  std::atomic<bool> cancelled_{false};
  Events events_;
  Descriptor cancel_bell_;                          // readable once cancelled
  Door door_{events_, *host_, workers_, *this};     // server
  std::vector<std::unique_ptr<Connection>> peers_;  // by rank; a worker's only one is the server
  std::vector<bool> told_;                          // the caller knows that this one is lost
  std::vector<Inbound> held_;                       // the last message of each, which the caller still looks at
  std::vector<std::uint64_t> limits_;               // bytes of a message, likewise
  std::uint32_t joined_ = 0;
  bool joining_ = false;  // in join, where no caller has yet spoken to anybody
  bool closed_ = false;
  Patience patience_;
  WireCounters wire_;
  std::uint64_t payload_sent_ = 0, payload_received_ = 0;
};

}  // namespace
}  // namespace threepc::shm

THREEPC_PLUGINS(tpc::transport<threepc::shm::Shm>);
