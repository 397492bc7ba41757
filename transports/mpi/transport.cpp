// Members of a run as the processes of one MPI job, which mpirun or srun has started: rank 0 is the server, rank
// r is worker r - 1. MPI moves on inside the calls that wait; there is no other thread.
#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <threepc/sdk.hpp>
#include <utility>
#include <vector>

#include "../links.hpp"
#include "buffers.hpp"
#include "connection.hpp"
#include "frame.hpp"
#include "job.hpp"

namespace threepc::mpi {
namespace {

struct Options {
  std::optional<std::int64_t> tree_from;
  std::int64_t max_message = std::int64_t{1} << 40;
};

std::shared_ptr<const Bytes> control_frame(const FrameHeader& header, std::span<const std::uint8_t> payload = {}) {
  Bytes out;
  write_frame(header, payload, out);
  return std::make_shared<const Bytes>(std::move(out));
}

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class Mpi {
 public:
  static constexpr tpc::About about = {
      .id = "mpi",
      .version = "1.0.0",
      .summary = "Workers as the processes of an MPI job, started by mpirun or srun (Open MPI)."};
  static constexpr auto params = tpc::params(
      tpc::param<&Options::tree_from>("tree_from",
                                      "a broadcast at least this long is handed on from worker to worker, which spares "
                                      "the server's link; without it 1 MiB, and never where all are on one host. Raise "
                                      "it if workers are so uneven that they should not wait for each other",
                                      {.unit = "bytes", .minimum = 0, .maximum = 1e15}),
      tpc::param<&Options::max_message>("max_message", "a longer message is refused",
                                        {.unit = "bytes", .minimum = 1024, .maximum = 1e15}));

  Mpi(const Options& options, const tpc::Setup& setup)
      : host_(&setup.host()),
        workers_(setup.workers()),
        links_(workers_, setup.worker()),
        tree_from_(options.tree_from),
        longest_(static_cast<std::uint64_t>(options.max_message)),
        buffers_(std::make_shared<Buffers>(workers_ + 2)),
        limits_(links_.size(), longest_) {}

  ~Mpi() {
    if (job_ != nullptr && !closed_) abandon();
  }
  Mpi(const Mpi&) = delete;
  Mpi& operator=(const Mpi&) = delete;

  static tpc::Place place(const tpc_host&) {
    const Job& job = Job::enter();
    return {static_cast<std::uint32_t>(job.rank()), static_cast<std::uint32_t>(job.size())};
  }

  void open(std::string_view address, tpc::Deadline) {
    if (!address.empty())
      throw tpc::Error(TPC_INVALID_ARGUMENT, tpc::text("'", address, "': the members of an MPI job need no address"));
    Job& job = Job::enter();
    const auto rank = static_cast<std::uint32_t>(job.rank()), size = static_cast<std::uint32_t>(job.size());
    if (size != workers_ + 1 || rank != links_.own_member())
      throw tpc::Error(TPC_INVALID_ARGUMENT,
                       tpc::text("this process is rank ", rank, " of ", size, ", which cannot be ",
                                 name_of(links_.own_member()), " of a run of ", workers_, " workers"));
    connect(job, job.begin_run());
  }

  std::string address() const { return ""; }

  void join(tpc::Deadline deadline) {
    if (is_server())
      await_workers(deadline);
    else
      join_server(deadline);
  }

  void send(std::uint32_t to, const tpc_message& message, tpc::Deadline deadline) {
    Connection& peer = connected(links_.index_of(to));
    enqueue(peer, framed(message), message.size, deadline);
    // A peer that is gone may have said why: what it sent is read first.
    if (peer.ended() && !peer.has_message()) throw tpc::Error(TPC_CLOSED, name_of(to) + " " + peer.reason());
  }

  /// A worker that is gone is passed over, and receive tells; the others get their message.
  void broadcast(const tpc_message& message, tpc::Deadline deadline) {
    require_open();
    links_.require_server();
    const auto shared = framed(message);
    if (message.size >= tree_from() && tree_is_ready(deadline)) return broadcast_down_tree(shared);
    for (Connection& peer : peers_) enqueue(peer, shared, message.size, deadline);
  }

  tpc_message receive(std::uint32_t from, tpc::Deadline deadline) {
    const std::size_t at = links_.index_of(from);
    Connection& peer = connected(at);
    wait(
        deadline, [&] { return "no message from " + name_of(from); },
        [&] { return peer.has_message() || peer.ended(); });
    if (!peer.has_message()) throw tpc::Error(TPC_CLOSED, name_of(from) + " " + peer.reason());
    buffers_->give_back(std::exchange(held_[at], peer.take_message()).bytes);
    const std::span<const std::uint8_t> payload = held_[at].payload();
    payload_received_ += payload.size();
    return {sizeof(tpc_message), held_[at].header.type, held_[at].header.round, payload.data(), payload.size()};
  }

  void limit(std::uint32_t from, std::uint64_t bytes) {
    const std::size_t at = links_.index_of(from);
    limits_[at] = std::min(bytes, longest_);
    if (at < peers_.size()) peers_[at].limit(limits_[at]);
  }

  /// Any thread: whoever waits looks at the flag all the time.
  void cancel() noexcept { cancelled_ = true; }

  tpc_traffic traffic() const {
    return {sizeof(tpc_traffic), 0, payload_sent_, payload_received_, wire_.sent, wire_.received};
  }

  /// Says goodbye to all and waits for theirs, which is the last that each sends: then nothing is on its way. MPI
  /// itself ends when the process exits.
  void close(tpc::Deadline deadline) {
    if (job_ == nullptr || closed_) return;
    say_goodbye();
    wait(
        deadline, [&] { return still_here(); },
        [&] { return all([](auto& peer) { return peer.ended() && peer.queued_bytes() == 0; }) && tree_.empty(); });
    closed_ = true;
    job_->end_run(true);
  }

 private:
  static constexpr std::size_t most_queued = std::size_t{64} << 20;  // bytes waiting for one slow peer

  bool is_server() const { return links_.is_server(); }

  /// Looks for what has come, and reads and sends on; so does MPI, inside its calls.
  void progress() {
    for (std::size_t i = 0; i < peers_.size() && find_message(); ++i) continue;
    for (Connection& peer : peers_) {
      peer.reap();
      peer.read();
    }
    tree_.reap();
  }

  bool find_message() {
    int found = 0, size = 0;
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Status status{};
    check(MPI_Improbe(MPI_ANY_SOURCE, tag_, job_->communicator(), &found, &message, &status), "MPI_Improbe");
    if (found == 0) return false;
    check(MPI_Get_count(&status, MPI_BYTE, &size), "MPI_Get_count");
    connected(links_.index_of(static_cast<std::uint32_t>(status.MPI_SOURCE))).found(message, size);
    return true;
  }

  /// Polls until `done`, or throws at the deadline, with what `late` says, or when cancelled.
  template <class Late, class Done>
  void wait(tpc::Deadline deadline, Late late, Done done) {
    for (Backoff backoff = job_->patience();; backoff.pause()) {
      if (cancelled_) throw tpc::Error(TPC_CLOSED, "cancelled");
      if (done()) return;
      progress();
      if (done()) return;
      if (host_->now() >= deadline.at) throw tpc::Error(TPC_TIMEOUT, late());
    }
  }

  template <class Predicate>
  bool all(Predicate predicate) const {
    return std::all_of(peers_.begin(), peers_.end(), predicate);
  }
  bool all_listen() const {
    return all([](const Connection& peer) { return peer.joined() && !peer.ended(); });
  }

  void require_open() const {
    if (cancelled_) throw tpc::Error(TPC_CLOSED, "cancelled");
    if (job_ == nullptr) throw tpc::Error(TPC_CLOSED, "this member is not open");
    if (closed_) throw tpc::Error(TPC_CLOSED, "this member has closed");
  }

  Connection& connected(std::size_t at) {
    require_open();
    return peers_[at];
  }

  void connect(Job& job, int tag) {
    job_ = &job;
    tag_ = tag;
    const auto on_control = [this](Connection& from, const Inbound& control) {
      is_server() ? on_control_from_worker(from, control) : on_control_from_server(from, control);
    };
    const int first_peer = is_server() ? 1 : 0, peers = is_server() ? static_cast<int>(workers_) : 1;
    for (int peer = first_peer; peer < first_peer + peers; ++peer)
      peers_.emplace_back(job.communicator(), peer, tag, limits_[static_cast<std::size_t>(peer - first_peer)],
                          *buffers_, wire_, on_control);
    held_.resize(peers_.size());
  }

  std::shared_ptr<const Bytes> framed(const tpc_message& message) const {
    require_length(message.size, longest_);
    const std::size_t size = header_size + message.size;
    Bytes out = size >= Buffers::worthwhile ? buffers_->take(size) : Bytes();
    write_frame({FrameKind::message, message.type, message.round}, {message.data, message.size}, out);
    return buffers_->share(std::move(out));
  }

  void enqueue(Connection& peer, const std::shared_ptr<const Bytes>& bytes, std::uint64_t payload,
               tpc::Deadline deadline) {
    if (peer.queued_bytes() > 0)
      wait(
          deadline, [&] { return name_of(peer.member()) + " does not read what it is sent"; },
          [&] { return peer.queued_bytes() < most_queued || peer.ended(); });
    if (peer.ended()) return;
    peer.send(bytes);
    payload_sent_ += payload;
  }

  /// Within one host a tree only copies more often.
  std::uint64_t tree_from() const {
    if (tree_from_) return static_cast<std::uint64_t>(*tree_from_);
    return job_->on_several_hosts() ? std::uint64_t{1} << 20 : UINT64_MAX;
  }

  /// False if a worker has left: MPI's tree needs all of them.
  bool tree_is_ready(tpc::Deadline deadline) {
    const auto all_listen = [this] { return all([](auto& peer) { return peer.joined() && !peer.ended(); }); };
    const auto all_have_room = [this] { return all([](auto& peer) { return peer.queued_bytes() < most_queued; }); };
    wait(
        deadline, [] { return "the workers do not read what is broadcast"; },
        [&] { return !all_listen() || (tree_.queued_bytes() < most_queued && all_have_room()); });
    return all_listen();
  }

  /// Each worker gets an announcement among its messages, which keeps the order, and then joins MPI's broadcast.
  void broadcast_down_tree(const std::shared_ptr<const Bytes>& message) {
    FrameHeader header = read_header(*message, longest_);
    header.kind = FrameKind::announcement;
    const auto announcement = std::make_shared<const Bytes>(to_header(header));
    for (Connection& peer : peers_) peer.send(announcement);
    in_parts(message->data() + header_size, header.length, [&](const std::uint8_t* data, int size) {
      MPI_Request request = MPI_REQUEST_NULL;
      check(MPI_Ibcast(const_cast<std::uint8_t*>(data), size, MPI_BYTE, 0, job_->communicator(), &request),
            "MPI_Ibcast");
      tree_.add(message, static_cast<std::size_t>(size), request);
    });
    payload_sent_ += header.length * workers_;
    wire_.sent += header.length * workers_;  // over the links of the tree, of which there is one to each worker
  }

  void say_goodbye() {
    if (said_goodbye_) return;
    const auto goodbye = control_frame({FrameKind::goodbye});
    for (Connection& peer : peers_) peer.send(goodbye);
    said_goodbye_ = true;
  }

  std::string still_here() const {
    const auto silent = std::find_if(peers_.begin(), peers_.end(), [](auto& peer) { return !peer.ended(); });
    return silent == peers_.end() ? "what was sent has not left" : "no goodbye from " + name_of(silent->member());
  }

  /// The goodbye may still get through. What MPI works on must outlive this object.
  void abandon() noexcept {
    static std::list<std::pair<std::deque<Connection>, Outgoing>> abandoned;
    try {
      say_goodbye();
      abandoned.emplace_back(std::move(peers_), std::move(tree_));
    } catch (const std::exception& failure) {
      host_->log(TPC_LOG_WARNING, "mpi", failure.what());
    }
    job_->end_run(false);
  }

  void await_workers(tpc::Deadline deadline) {
    const auto missing = [this] {
      std::vector<std::uint32_t> ranks;
      for (std::uint32_t rank = 0; rank < workers_; ++rank)
        if (!peers_[rank].joined()) ranks.push_back(rank);
      return not_joined(ranks);
    };
    require_open();
    wait(deadline, missing, [&] { return all([](auto& peer) { return peer.joined(); }); });
  }

  void on_control_from_worker(Connection& from, const Inbound& control) {
    if (control.header.kind == FrameKind::goodbye) return from.end("has left");
    if (control.header.kind != FrameKind::join || from.joined()) throw tpc::Corrupt("it sent an unexpected frame");
    if (control.header.type == workers_) {
      from.set_joined();
      return from.send(control_frame({FrameKind::accept}));
    }
    const std::string fault =
        tpc::text("this run has ", workers_, " workers, the one that wants to join expects ", control.header.type);
    from.send(control_frame({FrameKind::reject}, bytes_of(fault)));
    from.end("was refused: " + fault);
  }

  void join_server(tpc::Deadline deadline) {
    Connection& server = connected(0);
    if (!asked_to_join_) server.send(control_frame({FrameKind::join, workers_}));
    asked_to_join_ = true;
    wait(
        deadline, [] { return "the server does not answer"; }, [&] { return server.joined() || server.ended(); });
    if (!refused_.empty()) throw tpc::Error(TPC_INVALID_ARGUMENT, "the server refused this worker: " + refused_);
    if (!server.joined()) throw tpc::Error(TPC_CLOSED, "the server " + server.reason());
  }

  void on_control_from_server(Connection& from, const Inbound& control) {
    switch (control.header.kind) {
      case FrameKind::accept:
        return from.set_joined();
      case FrameKind::reject:
        refused_.assign(control.payload().begin(), control.payload().end());
        return from.end("refused this worker");
      case FrameKind::goodbye:
        return from.end("has left");
      default:
        throw tpc::Corrupt("it sent an unexpected frame");
    }
  }

  const tpc_host* host_;
  const std::uint32_t workers_;
  const Star links_;
  const std::optional<std::int64_t> tree_from_;
  const std::uint64_t longest_;
  std::atomic<bool> cancelled_{false};
  Job* job_ = nullptr;
  int tag_ = 0;
  WireCounters wire_;
  const std::shared_ptr<Buffers> buffers_;
  std::vector<std::uint64_t> limits_;  // bytes of a message, by rank like the peers
  std::deque<Connection> peers_;       // by rank; a worker's only one is the server
  Outgoing tree_;                      // broadcasts that MPI hands on from worker to worker
  std::vector<Inbound> held_;          // the last message of each, which the caller still looks at
  std::string refused_;
  bool asked_to_join_ = false, said_goodbye_ = false, closed_ = false;
  std::uint64_t payload_sent_ = 0, payload_received_ = 0;
};

}  // namespace
}  // namespace threepc::mpi

THREEPC_PLUGINS(tpc::transport<threepc::mpi::Mpi>);
