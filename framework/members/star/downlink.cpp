#include "members/star/downlink.hpp"

#include <utility>

namespace threepc {
namespace {

constexpr std::uint64_t header = 2 * sizeof(std::uint64_t);

}  // namespace

Downlink::Downlink(const RunConfig& config, const Membership& membership, Iterate& iterate)
    : in_process_((config.transport.descriptor->capabilities & TPC_IN_PROCESS) != 0),
      encoder_(config, membership, iterate),
      log_(model_size()),
      accounts_(config.workers),
      copies_(config.workers) {}

void Downlink::begin_round(std::uint64_t round) {
  before_ = accounts_;
  for (Copy& copy : copies_)
    if (std::exchange(copy.told, false) && copy.form != Form::model) copy.iterate = round_;
  round_ = round;
  steps_.clear();
  state_.clear();
}

Downlink::Cost Downlink::count(std::uint32_t worker, bool asked) {
  const std::uint64_t size = encoder_.replays() ? decide(worker) : model_size();
  const bool is_step = asked || copies_[worker].form != Form::model;
  return {is_step ? size : 0, is_step ? 0 : size};
}

/// The shortest form that lets the worker go on; see the class.
std::uint64_t Downlink::decide(std::uint32_t worker) {
  Account& account = accounts_[worker];
  Copy& copy = copies_[worker];
  copy.told = true;
  const std::uint64_t model = model_size();
  const bool reached = account.iterate != never && log_.reaches(account.iterate);
  if (reached && (round_ - account.iterate == 1 || steps_size(account.iterate) < model)) {
    copy.form = Form::steps;
    return steps_size(std::exchange(account.iterate, round_));
  }
  const bool pays = round_ > 0 && account.model == round_ - 1 && 4 * steps_size(round_ - 1) < model;
  if (!copy.distrusted && (pays || (round_ == 0 && state().size() <= model + header))) {
    copy.form = Form::state;
    account.iterate = round_;
    return state().size();
  }
  copy.form = Form::model;
  account.model = round_;
  return model;
}

std::uint64_t Downlink::steps_size(std::uint64_t from) const {
  return log_.reaches(from) ? header + log_.size_since(from) : std::numeric_limits<std::uint64_t>::max() / 4;
}

Downlink::Letter Downlink::letter(std::uint32_t worker) {
  const Copy& copy = copies_[worker];
  if (in_process_ || copy.form == Form::model) return {Form::model, {model().bytes(), model_size()}};
  const std::uint64_t from = copy.iterate;
  if (from != never && log_.reaches(from)) return {Form::steps, steps(from)};
  return {Form::state, state()};
}

const Bytes& Downlink::steps(std::uint64_t from) {
  Bytes& out = steps_[from];
  if (!out.empty()) return out;
  append(out, from);
  append(out, hash_of(model()));
  log_.append_since(from, out);
  return out;
}

const Bytes& Downlink::state() {
  if (state_.empty()) encoder_.append_state(state_);
  return state_;
}

void Downlink::step(double stepsize) {
  Bytes step = encoder_.step(round_, stepsize);
  if (encoder_.replays()) log_.add(std::move(step));
}

void Downlink::append_restoration(std::uint32_t worker, Bytes& out) {
  if (!encoder_.replays() || in_process_ || copies_[worker].distrusted) return;
  copies_[worker].iterate = log_.present();
  copies_[worker].told = false;
  append(out, log_.present());
  encoder_.append_state(out);
}

void Downlink::forget(std::uint32_t worker) {
  accounts_[worker] = {};
  copies_[worker] = {};
}

bool Downlink::distrust(std::uint32_t worker) {
  Copy& copy = copies_[worker];
  if (copy.distrusted || copy.form == Form::model) return false;
  accounts_[worker] = {never, round_};
  copy = {Form::model, false, never, true};
  return true;
}

void Downlink::save(Bytes& out) const {
  if (!encoder_.replays()) return;
  encoder_.save(out);
  log_.save(out);
  for (const Account& account : accounts_) append(out, account.iterate), append(out, account.model);
}

void Downlink::load(tpc::Reader& in) {
  if (!encoder_.replays()) return;
  encoder_.load(in);
  log_.load(in);
  for (Account& account : accounts_) account = {in.get<std::uint64_t>(), in.get<std::uint64_t>()};
}

bool read_letter(Form form, std::span<const std::uint8_t> bytes, std::uint64_t round, ModelReplica& replica) {
  tpc::Reader in(bytes.data(), bytes.size());
  if (form == Form::state) {
    replica.take_state(in, round);
    return true;
  }
  const auto from = in.get<std::uint64_t>();
  const auto hash = in.get<std::uint64_t>();
  return replica.replay(in, from, round, hash);
}

}  // namespace threepc
