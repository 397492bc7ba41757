#include "members/peers/peer.hpp"

#include <algorithm>
#include <utility>

#include "members/peers/mail.hpp"
#include "members/peers/publication_log.hpp"
#include "method/schedule.hpp"

namespace threepc {

Peer::Peer(const RunConfig& config, std::uint32_t rank, std::function<void()> watch)
    : Worker(config, rank, std::move(watch)) {}

std::uint64_t Peer::prepare() {
  const auto network = network_of(*config_);
  node_.emplace(*config_, membership_, network,
                [this](std::uint64_t round, const RawVector& at) -> const RawVector& { return gradient(round, at); });
  start();
  const MechanismTree& tree = node_->mechanism();
  return longest_node_state(*config_, *network, tree) + PublicationLog::most_bytes(*config_, tree);
}

/// Before any round.
void Peer::start() {
  RawVector x0(membership_.dtype, membership_.dim);
  problem_->start(x0.data());
  node_->start(x0);
}

void Peer::answer(const Question& question, const tpc_message& message) {
  const std::uint64_t round = message.round;
  if (question.form != Form::mail) return send_evaluation(round, aligned(message));
  if (question.update) {
    injector_.act(round, Injection::When::receive);
    play(round, payload_of(message));
    send_update(round, publication_);
    injector_.act(round, Injection::When::send);
  }
  if (question.evaluation) send_x(round);
}

double Peer::stepsize(std::uint64_t round) const {
  return stepsize_ * schedule_factor(config_->schedule, round, config_->rounds);
}

/// The step from x^{round - 1} to x^round has the step size of the round before.
void Peer::play(std::uint64_t round, std::span<const std::uint8_t> mail) {
  try {
    node_->combine(round, stepsize(round == 0 ? 0 : round - 1),
                   open_mail(round, membership_.worker, node_->network(), mail));
  } catch (const tpc::Error& error) {
    throw Failure(Exit::peer, std::string("malformed message: mail: ") + error.what());
  }
  publish(round);
}

void Peer::publish(std::uint64_t round) {
  const Profile::Scope encoding(profile_, Phase::encode, round);
  node_->publish(round, stepsize(round), publication_);
  seal(publication_, round);
}

const RawVector& Peer::gradient(std::uint64_t round, const RawVector& at) {
  const Profile::Scope computing(profile_, Phase::gradient, round);
  estimator_->next(problem_->context(round, membership_.worker, stepsize(round)), at.data(), nullptr);
  return estimator_->point();
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
  problem_->evaluate(problem_->context(round, membership_.worker, stepsize_), x, &value, gradient.data());
  Bytes out;
  append(out, value);
  append(out, gradient);
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
  prepare();
  estimator_.emplace(*config_, *problem_, problem_->facts().rows);
  if (in.remaining() == 0) return;
  std::uint64_t next = in.get<std::uint64_t>();
  tpc::Reader state = [&] {
    const auto bytes = in.take_span(in.get<std::uint64_t>());
    return tpc::Reader(bytes.data(), bytes.size());
  }();
  if (next > 0) load(state);
  state.finish();
  for (; in.remaining() > 0; ++next) play(next, in.take_span(in.get<std::uint64_t>()));
}

void Peer::load(tpc::Reader& in) {
  node_->load(in);
  estimator_->restart(problem_->context(0, membership_.worker, stepsize_), node_->x().data(), in);
}

std::string Peer::diagnosis(std::uint64_t) const { return ""; }

}  // namespace threepc
