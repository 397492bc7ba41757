#include "members/star/worker.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "members/message_bounds.hpp"
#include "members/star/downlink.hpp"
#include "members/star/measurements.hpp"
#include "method/lanczos.hpp"
#include "method/worker_state.hpp"
#include "plugin/streams.hpp"
#include "vector/arithmetic.hpp"

namespace threepc {
namespace {

constexpr std::uint32_t server = 0;

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
      in_process_((config.transport.descriptor->capabilities & TPC_IN_PROCESS) != 0),
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
    case MessageType::diagnose:
      answer_diagnose(message.round);
      break;
    case MessageType::stop:
      done_ = true;
      channel_.close();
      break;
    default:
      const auto question = question_of(message.type);
      if (!question)
        throw Failure(Exit::peer, "the server sent a message of unknown type " + std::to_string(message.type));
      answer(*question, message);
  }
}

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
  encoder_.emplace(config_->mechanism, membership_);
  estimator_.emplace(*config_, *problem_, facts.rows);
  x_ = RawVector(membership_.dtype, membership_.dim);
  channel_.limit(server, longest_message(*config_, *encoder_));
}

void Worker::send_facts() {
  const tpc_problem_facts known = problem_->facts();
  WorkerFacts facts{known.dim,         problem_->has_curvature(), known.L_i,
                    known.L_minus,     known.hessian_spread,      membership_.blocks,
                    known.data_digest, known.own_data != 0};
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

void Worker::answer(const Question& question, const tpc_message& message) {
  require_problem("sent a model");
  if (question.update) injector_.act(message.round, Injection::When::receive);
  const void* const x = point(question.form, message);
  if (x == nullptr)
    channel_.send(server, MessageType::astray, message.round, {});
  else if (question.update)
    answer_model(message.round, x, question.evaluation);
  else
    answer_evaluate(message.round, x);
}

/// x^t. nullptr: the server's steps have not led there.
const void* Worker::point(Form form, const tpc_message& message) {
  if (form == Form::model) return aligned(message);
  try {
    return replay(form, message);
  } catch (const tpc::Error& error) {
    throw Failure(Exit::peer, std::string("malformed message: steps: ") + error.what());
  }
}

const void* Worker::replay(Form form, const tpc_message& message) {
  const Profile::Scope stepping(profile_, Phase::step, message.round);
  if (!replica_) make_replica();
  if (read_letter(form, payload_of(message), message.round, *replica_)) return replica_->model().data();
  replica_.reset();
  return nullptr;
}

/// Of x^0, which this worker has told the server that it knows; or empty, until a state comes.
void Worker::make_replica() {
  replica_.emplace(*config_, membership_);
  problem_->start(x_.data());
  replica_->start(x_);
}

double Worker::next_gradient(std::uint64_t round, const void* x, bool evaluate) {
  const Profile::Scope computing(profile_, Phase::gradient, round);
  double value = 0;
  estimator_->next(problem_->context(round, membership_.worker, stepsize_), x, evaluate ? &value : nullptr);
  return value;
}

/// Steps 1, 2 and 4 of a round: the gradient, the mechanism's message, and the report if one is wanted.
void Worker::answer_model(std::uint64_t round, const void* x, bool evaluate) {
  const double value = next_gradient(round, x, evaluate);
  const bool measured = begun_;
  propose(round, evaluate && config_->measure);
  begun_ = true;
  send_update(round);
  injector_.act(round, Injection::When::send);
  if (evaluate) send_evaluation(round, value, estimator_->truth(), measured ? &measurement_ : nullptr);
}

void Worker::send_update(std::uint64_t round) {
  const Profile::Scope sending(profile_, Phase::send, round);
  if (injector_.wants(Injection::Kind::drop, round)) return;
  if (injector_.wants(Injection::Kind::corrupt, round)) message_[message_.size() / 2] ^= 0x10;
  const int copies = injector_.wants(Injection::Kind::duplicate, round) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) channel_.send(server, MessageType::update, round, message_);
}

/// For the metrics alone: f_i and its gradient at x, and nothing of the method moves.
void Worker::answer_evaluate(std::uint64_t round, const void* x) {
  RawVector gradient(membership_.dtype, membership_.dim);
  double value = 0;
  {
    const Profile::Scope computing(profile_, Phase::evaluate, round);
    problem_->evaluate(problem_->context(round, membership_.worker, stepsize_), x, &value, gradient.data());
  }
  send_evaluation(round, value, gradient, nullptr);
}

void Worker::answer_snapshot(std::uint64_t round) {
  require_problem("asked for a state");
  Bytes memory, state;
  state.reserve(5 * encoder_->h().sum().size_bytes());  // h, what is lent, and a little
  for (const RawVector* vector : encoder_->state()) append(memory, *vector);
  if (const RawVector* v = estimator_->memory()) append(memory, *v);
  append(state, WorkerState{encoder_->h(), memory});
  channel_.send(server, MessageType::snapshot, round, state);
}

/// What the server's aggregate assumes of this worker after `message.round`; the round in which it last took part, and
/// the x of that. Nothing at all: as at the start.
void Worker::restore(const tpc_message& message) {
  require_problem("sent a state");
  for (RawVector* vector : encoder_->state()) vector->clear();
  encoder_->h().clear();
  replica_.reset();
  try {
    tpc::Reader in(message.data, message.size);
    if (message.size > 0) restore_from(in);
    begun_ = message.size > 0;
    injector_.resume_at(message.size > 0 ? message.round + 1 : 0);
  } catch (const tpc::Error& error) {
    throw Failure(Exit::peer, std::string("malformed message: a worker's state: ") + error.what());
  }
  channel_.send(server, MessageType::restore, message.round, {});
}

void Worker::restore_from(tpc::Reader& in) {
  const WorkerState state = take_worker_state(in, membership_.dtype, membership_.dim);
  encoder_->h() = state.h;
  const auto round = in.get<std::uint64_t>();
  take(in, x_);
  if (in.remaining() > 0) {
    const auto at = in.get<std::uint64_t>();
    replica_.emplace(*config_, membership_);
    replica_->take_state(in, at);
  }
  in.finish();
  tpc::Reader memory(state.memory.data(), state.memory.size());
  if (memory.remaining() > 0)
    for (RawVector* vector : encoder_->state()) take(memory, *vector);
  estimator_->restart(problem_->context(round, membership_.worker, stepsize_), x_.data(), memory);
  memory.finish();
}

void Worker::propose(std::uint64_t round, bool measure) {
  const Profile::Scope encoding(profile_, Phase::encode, round);
  const void* const x = estimator_->point().data();
  if (begun_ || config_->init == Init::compressed)
    encoder_->propose(round, stepsize_, estimator_->previous().data(), x, message_, measure ? &measurement_ : nullptr);
  else if (config_->init == Init::gradient)
    encoder_->propose_initial(x, message_);
  else
    message_.clear();
  seal(message_, round);
}

void Worker::send_evaluation(std::uint64_t round, double value, const RawVector& truth, const Measurement* measured) {
  const Profile::Scope evaluating(profile_, Phase::evaluate, round);
  evaluation_.clear();
  append(evaluation_, value);
  const double gap = distance_sq(truth.dtype(), truth.dim(), encoder_->h().sum().data(), truth.data());
  if (config_->evaluate == Evaluate::bound)
    append(evaluation_, gap);
  else if (in_process_ || !update_is_gradient(*config_, round))
    append(evaluation_, truth);
  if (config_->measure) Measurements::append_to(evaluation_, gap, *encoder_, measured);
  channel_.send(server, MessageType::evaluation, round, evaluation_);
}

/// g is not finite. A method that diverges passes through ever larger numbers; what is not finite, or immense, in a
/// round that comes after a moderate one was made by a plugin: by the problem, or by what made a message of its
/// gradient.
void Worker::answer_diagnose(std::uint64_t round) {
  channel_.send(server, MessageType::diagnosis, round, bytes_of(problem_ ? diagnosis(round) : ""));
}

void Worker::answer_profile(const tpc_message& message) {
  if (message.size > 0) return profile_.begin(*message.data != 0);
  channel_.send(server, MessageType::profile, message.round, profile_.to_bytes());
}

std::string Worker::diagnosis(std::uint64_t round) const {
  const double moderate = moderate_magnitude(membership_.dtype);
  if (!(largest_magnitude(estimator_->previous()) < moderate)) return "";
  const double gradient = largest_magnitude(estimator_->point());
  if (!(gradient < moderate))
    return problem_->name() + " (or its data) gives a gradient that is " +
           (std::isfinite(gradient) ? "immense" : "not finite") + ", though x is moderate";
  const auto program = unseal(message_, round);
  const std::string culprit = program ? encoder_->culprit(round, membership_.worker, *program) : "";
  return culprit.empty() ? ""
                         : culprit +
                               " misbehaved: the gradient is moderate, but the message decodes to NaN, "
                               "infinity or immense numbers";
}

}  // namespace threepc
