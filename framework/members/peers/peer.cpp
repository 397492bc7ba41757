#include "members/peers/peer.hpp"

#include <algorithm>
#include <utility>

#include "members/peers/mail.hpp"
#include "members/peers/publication_log.hpp"
#include "members/star/problem_metrics.hpp"
#include "method/schedule.hpp"

namespace threepc {

Peer::Peer(const RunConfig& config, std::uint32_t rank, std::function<void()> watch)
    : Worker(config, rank, std::move(watch)) {}

std::uint64_t Peer::prepare() {
  const auto network = network_of(*config_);
  node_.emplace(*config_, membership_, network, [this](std::uint64_t round) { return stepsize(round); });
  start();
  const MechanismTree& tree = node_->mechanism();
  return longest_node_state(*config_, *network, tree) + PublicationLog::most_bytes(*config_, tree, longest_parcels());
}

/// Before any round.
void Peer::start() {
  RawVector x0(membership_.dtype, membership_.dim);
  problem_->start(x0.data());
  node_->start(x0);
}

void Peer::answer(const Question& question, const tpc_message& message) {
  if (question.form == Form::mail) return play(question, message.round, payload_of(message));
  const void* const x = aligned(message);
  if (joint_) return begin_jointly(question, message.round, stepsize(message.round), x);
  send_evaluation(message.round, x);
}

void Peer::go_on(const Question& question, std::uint64_t round) {
  if (question.form != Form::mail) return send_evaluation(round, joint_->x().data());
  finish(question, round, &joint_->x());
}

double Peer::stepsize(std::uint64_t round) const {
  return stepsize_ * schedule_factor(config_->schedule, round, config_->rounds);
}

void Peer::play(const Question& question, std::uint64_t round, std::span<const std::uint8_t> mail) {
  if (!question.update) return send_x(round);
  injector_.act(round, Injection::When::receive);
  const RawVector* const at = mix(round, mail);
  if (joint_ && at != nullptr) return begin_jointly(question, round, stepsize(round), at->data());
  finish(question, round, at);
}

const RawVector* Peer::mix(std::uint64_t round, std::span<const std::uint8_t> mail) {
  try {
    return node_->mix(round, open_mail(round, membership_.worker, node_->network(), mail));
  } catch (const tpc::Error& error) {
    throw Failure(Exit::peer, std::string("malformed message: mail: ") + error.what());
  }
}

/// What follows once the gradient at `at` can be known; nullptr: none is wanted.
void Peer::finish(const Question& question, std::uint64_t round, const RawVector* at) {
  if (at != nullptr) adapt(round, *at);
  publish(round);
  send_update(round, publication_);
  injector_.act(round, Injection::When::send);
  if (question.evaluation) send_x(round);
}

void Peer::adapt(std::uint64_t round, const RawVector& at) {
  const Profile::Scope computing(profile_, Phase::gradient, round);
  estimator_->next(problem_->context(round, membership_.worker, stepsize(round)), at.data(), nullptr);
  node_->adapt(round, estimator_->point());
}

void Peer::publish(std::uint64_t round) {
  const Profile::Scope encoding(profile_, Phase::encode, round);
  node_->publish(round, publication_);
  seal(publication_, round);
}

void Peer::send_x(std::uint64_t round) {
  const RawVector& x = node_->x();
  channel_.send(server, MessageType::evaluation, round, {x.bytes(), x.size_bytes()});
}

/// f_i and its gradient at the mean of all x, for the metrics alone.
void Peer::send_evaluation(std::uint64_t round, const void* x) {
  const Profile::Scope evaluating(profile_, Phase::evaluate, round);
  RawVector gradient(membership_.dtype, membership_.dim);
  double value = 0;
  estimator_->evaluate(problem_->context(round, membership_.worker, stepsize_), x, &value, gradient.data());
  Bytes out;
  append(out, value);
  append(out, gradient);
  append_metrics(out, *problem_);
  channel_.send(server, MessageType::evaluation, round, out);
}

Bytes Peer::state() {
  Bytes out;
  node_->save(out);
  if (const RawVector* v = estimator_->memory()) append(out, *v);
  return out;
}

/// A state that this worker once sent, if it did, and the mail of every round since: what was done with it once is done
/// again, and gives the same bits. Nothing remains of what it was: it may never have been gone.
void Peer::take_state(std::uint64_t, tpc::Reader& in) {
  node_.reset();
  make_estimator();
  prepare();
  if (in.remaining() == 0) return;
  std::uint64_t next = in.get<std::uint64_t>();
  tpc::Reader state = [&] {
    const auto bytes = in.take_span(in.get<std::uint64_t>());
    return tpc::Reader(bytes.data(), bytes.size());
  }();
  if (next > 0) load(state);
  state.finish();
  for (; in.remaining() > 0; ++next) replay(next, in);
}

/// A round as it was: its mail and, where the gradient takes an exchange, what was heard in that.
void Peer::replay(std::uint64_t round, tpc::Reader& in) {
  const RawVector* const at = mix(round, in.take_span(in.get<std::uint64_t>()));
  if (joint_ && at != nullptr)
    joint_->replay(problem_->context(round, membership_.worker, stepsize(round)), at->data(), in);
  if (at != nullptr) adapt(round, *at);
  publish(round);
}

void Peer::load(tpc::Reader& in) {
  node_->load(in);
  estimator_->restart(problem_->context(0, membership_.worker, stepsize_), node_->x().data(), in);
}

std::string Peer::diagnosis(std::uint64_t) const { return ""; }

}  // namespace threepc
