#include "members/star/star_worker.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "members/attack.hpp"
#include "members/message_bounds.hpp"
#include "members/star/downlink.hpp"
#include "members/star/measurements.hpp"
#include "members/star/problem_metrics.hpp"
#include "method/worker_state.hpp"
#include "vector/arithmetic.hpp"

namespace threepc {

StarWorker::StarWorker(const RunConfig& config, std::uint32_t rank, std::function<void()> watch)
    : Worker(config, rank, std::move(watch)),
      in_process_((config.transport.descriptor->capabilities & TPC_IN_PROCESS) != 0) {}

std::uint64_t StarWorker::prepare() {
  encoder_.emplace(config_->mechanism, membership_);
  return longest_message(*config_, *encoder_, longest_parcels());
}

void StarWorker::answer(const Question& question, const tpc_message& message) {
  if (question.update) injector_.act(message.round, Injection::When::receive);
  const void* const x = point(question.form, message);
  if (x == nullptr)
    channel_.send(server, MessageType::astray, message.round, {});
  else if (joint_)
    begin_jointly(question, message.round, stepsize_, x);
  else
    answer_at(question, message.round, x);
}

void StarWorker::answer_at(const Question& question, std::uint64_t round, const void* x) {
  if (question.update) return answer_model(round, x, question.evaluation);
  answer_evaluate(round, x);
}

void StarWorker::go_on(const Question& question, std::uint64_t round) {
  answer_at(question, round, joint_->x().data());
}

/// x^t. nullptr: the server's steps have not led there.
const void* StarWorker::point(Form form, const tpc_message& message) {
  if (form == Form::model) return aligned(message);
  try {
    return replay(form, message);
  } catch (const tpc::Error& error) {
    throw Failure(Exit::peer, std::string("malformed message: steps: ") + error.what());
  }
}

const void* StarWorker::replay(Form form, const tpc_message& message) {
  const Profile::Scope stepping(profile_, Phase::step, message.round);
  if (!replica_) make_replica();
  if (read_letter(form, payload_of(message), message.round, *replica_)) return replica_->model().data();
  replica_.reset();
  return nullptr;
}

/// Of x^0, which this worker has told the server that it knows; or empty, until a state comes.
void StarWorker::make_replica() {
  replica_.emplace(*config_, membership_);
  problem_->start(x_.data());
  replica_->start(x_);
}

double StarWorker::next_gradient(std::uint64_t round, const void* x, bool evaluate) {
  const Profile::Scope computing(profile_, Phase::gradient, round);
  double value = 0;
  estimator_->next(problem_->context(round, membership_.worker, stepsize_), x, evaluate ? &value : nullptr);
  return value;
}

/// Steps 1, 2 and 4 of a round: the gradient, the mechanism's message, and the report if one is wanted.
void StarWorker::answer_model(std::uint64_t round, const void* x, bool evaluate) {
  const double value = next_gradient(round, x, evaluate);
  const bool measured = begun_;
  propose(round, evaluate && config_->measure);
  begun_ = true;
  send_update(round, message_);
  injector_.act(round, Injection::When::send);
  if (evaluate) send_evaluation(round, value, estimator_->truth(), measured ? &measurement_ : nullptr);
}

/// For the metrics alone: f_i and its gradient at x, and nothing of the method moves.
void StarWorker::answer_evaluate(std::uint64_t round, const void* x) {
  RawVector gradient(membership_.dtype, membership_.dim);
  double value = 0;
  {
    const Profile::Scope computing(profile_, Phase::evaluate, round);
    estimator_->evaluate(problem_->context(round, membership_.worker, stepsize_), x, &value, gradient.data());
  }
  send_evaluation(round, value, gradient, nullptr);
}

Bytes StarWorker::state() {
  Bytes memory, state;
  state.reserve(5 * encoder_->h().sum().size_bytes());  // h, what is lent, and a little
  for (const RawVector* vector : encoder_->state()) append(memory, *vector);
  if (const RawVector* v = estimator_->memory()) append(memory, *v);
  append(state, WorkerState{encoder_->h(), memory});
  return state;
}

/// What the server's aggregate assumes of this worker; the round in which it last took part, and the x of that.
void StarWorker::take_state(std::uint64_t, tpc::Reader& in) {
  for (RawVector* vector : encoder_->state()) vector->clear();
  encoder_->h().clear();
  replica_.reset();
  begun_ = in.remaining() > 0;
  if (begun_) restore_from(in);
}

void StarWorker::restore_from(tpc::Reader& in) {
  const WorkerState state = take_worker_state(in, membership_.dtype, membership_.dim);
  encoder_->h() = state.h;
  const auto round = in.get<std::uint64_t>();
  take(in, x_);
  if (joint_) joint_->replay(problem_->context(round, membership_.worker, stepsize_), x_.data(), in);
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

void StarWorker::propose(std::uint64_t round, bool measure) {
  const Profile::Scope encoding(profile_, Phase::encode, round);
  const void* const x = claimed(round).data();
  if (begun_ || config_->init == Init::compressed)
    encoder_->propose(round, stepsize_, estimator_->previous().data(), x, message_, measure ? &measurement_ : nullptr);
  else if (config_->init == Init::gradient)
    encoder_->propose_initial(x, message_);
  else
    message_.clear();
  seal(message_, round);
}

/// What it says its gradient is.
const RawVector& StarWorker::claimed(std::uint64_t round) {
  const Injection* const attack = injector_.attack(round);
  if (attack == nullptr) return estimator_->point();
  claim_ = attacked(estimator_->point(), *attack, problem_->context(round, membership_.worker, stepsize_));
  return *claim_;
}

void StarWorker::send_evaluation(std::uint64_t round, double value, const RawVector& truth,
                                 const Measurement* measured) {
  const Profile::Scope evaluating(profile_, Phase::evaluate, round);
  evaluation_.clear();
  append(evaluation_, value);
  const double gap = distance_sq(truth.dtype(), truth.dim(), encoder_->h().sum().data(), truth.data());
  if (config_->evaluate == Evaluate::bound)
    append(evaluation_, gap);
  else if (in_process_ || !update_is_gradient(*config_, round))
    append(evaluation_, truth);
  if (config_->measure) Measurements::append_to(evaluation_, gap, *encoder_, measured);
  append_metrics(evaluation_, *problem_);
  channel_.send(server, MessageType::evaluation, round, evaluation_);
}

/// g is not finite. A method that diverges passes through ever larger numbers; what is not finite, or immense, in a
/// round that comes after a moderate one was made by a plugin: by the problem, or by what made a message of its
/// gradient.
std::string StarWorker::diagnosis(std::uint64_t round) const {
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
