#include "members/worker.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <sstream>

#include "members/message_bounds.hpp"
#include "members/peers/peer.hpp"
#include "members/star/star_worker.hpp"
#include "method/lanczos.hpp"
#include "method/model_roles.hpp"
#include "plugin/streams.hpp"

namespace threepc {
namespace {

/// The first line in which two configurations differ, for a person.
std::string first_difference(const std::string& ours, const std::string& theirs) {
  std::istringstream a(ours), b(theirs);
  for (std::string own, other;;) {
    const bool more_own = static_cast<bool>(std::getline(a, own));
    const bool more_other = static_cast<bool>(std::getline(b, other));
    if (!more_own && !more_other) return "";
    if (more_own && more_other && own == other) continue;
    return "the server has '" + (more_other ? other : "nothing more") + "', this worker has '" +
           (more_own ? own : "nothing more") + "'";
  }
}

}  // namespace

Worker::Worker(const RunConfig& config, std::uint32_t rank, std::function<void()> watch)
    : config_(&config),
      membership_{config.dtype, 0, config.workers, rank, config.seed},
      transport_(config.transport, membership_, streams::transport),
      channel_(transport_, config.timeout, std::move(watch)),
      stepsize_(std::numeric_limits<double>::quiet_NaN()),
      injector_(config.faults.inject, rank) {}

void Worker::join(const std::string& address) {
  channel_.limit(server, longest_before_dimension);
  channel_.open(address);
  channel_.join();
  channel_.send(server, MessageType::hello, 0, {});
}

void Worker::leave() {
  channel_.send(server, MessageType::leave, round_, {});
  channel_.close();
}

tpc_message Worker::next_message() {
  const Profile::Scope waiting(profile_, Phase::wait, round_);
  return channel_.receive(server, round_, "the next message");
}

bool Worker::serve_one() {
  try {
    handle(next_message());
  } catch (const Failure& failure) {
    const Bytes text = to_failure_message(failure);
    try {
      channel_.send(server, MessageType::failure, round_, text);
    } catch (const Failure&) {
      // the server is gone: then it needs no explanation
    }
    channel_.close();
    throw;
  }
  return !done_;
}

void Worker::handle(const tpc_message& message) {
  if (static_cast<MessageType>(message.type) == MessageType::patience) return;
  round_ = message.round;
  switch (static_cast<MessageType>(message.type)) {
    case MessageType::configuration:
      agree(payload_of(message));
      make_problem();
      send_facts();
      break;
    case MessageType::curvature:
      answer_curvature(message);
      break;
    case MessageType::begin:
      if (message.size != sizeof stepsize_)
        throw Failure(Exit::peer, "malformed message: a step size of " + std::to_string(message.size) + " bytes");
      std::memcpy(&stepsize_, message.data, sizeof stepsize_);
      break;
    case MessageType::snapshot:
      answer_snapshot(message.round);
      break;
    case MessageType::restore:
      restore(message);
      break;
    case MessageType::profile:
      answer_profile(message);
      break;
    case MessageType::exchange:
      require_problem("sent what other workers say");
      deliver(message);
      break;
    case MessageType::diagnose:
      channel_.send(server, MessageType::diagnosis, round_, bytes_of(problem_ ? diagnosis(round_) : ""));
      break;
    case MessageType::stop:
      done_ = true;
      channel_.close();
      break;
    default:
      const auto question = question_of(message.type);
      if (!question)
        throw Failure(Exit::peer, "the server sent a message of unknown type " + std::to_string(message.type));
      require_problem("sent a model");
      answer(*question, message);
  }
}

void Worker::begin_jointly(const Question& question, std::uint64_t round, double stepsize, const void* x) {
  const Profile::Scope computing(profile_, Phase::gradient, round);
  question_ = question;
  joint_->begin(problem_->context(round, membership_.worker, stepsize), x);
  channel_.send(server, MessageType::exchange, round, joint_->said());
}

/// What the worker's peers have said in the evaluation that it is in.
void Worker::deliver(const tpc_message& message) {
  if (!joint_) throw Failure(Exit::peer, "the server sent what other workers say, and this worker has no use for it");
  {
    const Profile::Scope computing(profile_, Phase::gradient, message.round);
    joint_->hear(payload_of(message));
  }
  if (joint_->is_over()) return go_on(question_, message.round);
  channel_.send(server, MessageType::exchange, message.round, joint_->said());
}

void Worker::make_estimator() {
  estimator_.emplace(*config_, *problem_, problem_->facts().rows);
  if (find_exchange(config_->problem) == nullptr) return;
  joint_.emplace(*problem_);
  estimator_->take_from([this](double* value, void* gradient) { joint_->read(value, gradient); });
}

std::uint64_t Worker::longest_parcels() const { return joint_ ? problem_->peers().longest : 0; }

void Worker::agree(std::span<const std::uint8_t> server_lines) {
  const std::string difference = first_difference(agreement_text(*config_), text_of(server_lines));
  if (!difference.empty())
    throw Failure(Exit::usage, "this worker's configuration differs from the server's: " + difference +
                                   "; start both from the same file and --set options, with the same plugins");
}

void Worker::make_problem() {
  problem_.emplace(config_->problem, membership_, streams::problem);
  const tpc_problem_facts facts = problem_->facts();
  membership_.dim = facts.dim;
  for (std::uint32_t i = 0; i < facts.block_count; ++i)
    membership_.blocks.push_back({facts.blocks[i]->rows, facts.blocks[i]->columns});
  make_estimator();
  x_ = RawVector(membership_.dtype, membership_.dim);
  channel_.limit(server, prepare());
}

void Worker::send_facts() {
  const tpc_problem_facts known = problem_->facts();
  WorkerFacts facts{known.dim,         problem_->has_curvature(), known.L_i,
                    known.L_minus,     known.hessian_spread,      membership_.blocks,
                    known.data_digest, known.own_data != 0};
  if (joint_) facts.longest_parcels = std::max<std::uint64_t>(longest_parcels(), 1);
  const bool wanted = !config_->stepsize.has_value();
  if (wanted && std::isnan(facts.L_i) && facts.has_curvature)
    facts.L_i = largest_eigenvalue(facts.dim, [&](std::span<const double> v, std::span<double> out) {
      problem_->curvature(v.data(), out.data());
    });
  problem_->start(x_.data());
  facts.start_digest = hash_of(x_);
  Bytes out = to_bytes(facts);
  if (membership_.worker == 0) out.insert(out.end(), x_.bytes(), x_.bytes() + x_.size_bytes());
  channel_.send(server, MessageType::facts, 0, out);
}

void Worker::answer_curvature(const tpc_message& message) {
  if (!problem_ || !problem_->has_curvature() || message.size != membership_.dim * sizeof(double))
    throw Failure(Exit::peer, "the server sent a curvature request that does not fit this problem");
  std::vector<double> v(membership_.dim), product(membership_.dim);
  std::memcpy(v.data(), message.data, message.size);
  problem_->curvature(v.data(), product.data());
  channel_.send(server, MessageType::curvature, message.round,
                {reinterpret_cast<const std::uint8_t*>(product.data()), product.size() * sizeof(double)});
}

void Worker::require_problem(const char* what) const {
  if (!problem_) throw Failure(Exit::peer, std::string("the server ") + what + " before its configuration");
}

const void* Worker::aligned(const tpc_message& message) {
  if (message.size != x_.size_bytes())
    throw Failure(Exit::peer, "malformed message: a model of " + std::to_string(message.size) + " bytes, " +
                                  std::to_string(x_.size_bytes()) + " expected");
  if (reinterpret_cast<std::uintptr_t>(message.data) % alignof(double) == 0) return message.data;
  std::memcpy(x_.data(), message.data, message.size);
  return x_.data();
}

void Worker::send_update(std::uint64_t round, Bytes& message) {
  const Profile::Scope sending(profile_, Phase::send, round);
  if (injector_.wants(Injection::Kind::drop, round)) return;
  if (injector_.wants(Injection::Kind::corrupt, round)) message[message.size() / 2] ^= 0x10;
  const int copies = injector_.wants(Injection::Kind::duplicate, round) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) channel_.send(server, MessageType::update, round, message);
}

void Worker::answer_snapshot(std::uint64_t round) {
  require_problem("asked for a state");
  channel_.send(server, MessageType::snapshot, round, state());
}

/// What the run assumes of this worker after `message.round`. Nothing at all: as at the start.
void Worker::restore(const tpc_message& message) {
  require_problem("sent a state");
  try {
    tpc::Reader in(message.data, message.size);
    take_state(message.round, in);
    injector_.resume_at(message.size > 0 ? message.round + 1 : 0);
  } catch (const tpc::Error& error) {
    throw Failure(Exit::peer, std::string("malformed message: a worker's state: ") + error.what());
  }
  channel_.send(server, MessageType::restore, message.round, {});
}

void Worker::answer_profile(const tpc_message& message) {
  if (message.size > 0) return profile_.begin(*message.data != 0);
  channel_.send(server, MessageType::profile, message.round, profile_.to_bytes());
}

std::unique_ptr<Worker> make_worker(const RunConfig& config, std::uint32_t rank, std::function<void()> watch) {
  if (config.topology) return std::make_unique<Peer>(config, rank, std::move(watch));
  return std::make_unique<StarWorker>(config, rank, std::move(watch));
}

}  // namespace threepc
