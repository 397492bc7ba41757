#include "members/peers/publisher.hpp"

#include "method/worker_state.hpp"

namespace threepc {

Publisher::Publisher(const RunConfig& config, const Membership& membership)
    : init_(config.init), encoder_(config.mechanism, membership), before_(membership.dtype, membership.dim) {}

void Publisher::publish(std::uint64_t round, double stepsize, const RawVector& v, Bytes& program) {
  program.clear();
  if (!begun_) before_ = v;
  if (begun_ || init_ == Init::compressed)
    encoder_.propose(round, stepsize, before_.data(), v.data(), program);
  else if (init_ == Init::gradient)
    encoder_.propose_initial(v.data(), program);
  begun_ = true;
  before_ = v;
}

void Publisher::save(Bytes& out) const {
  Bytes memory;
  append(memory, static_cast<std::uint8_t>(begun_));
  append(memory, before_);
  for (const RawVector* vector : encoder_.state()) append(memory, *vector);
  append(out, WorkerState{encoder_.h(), memory});
}

void Publisher::load(tpc::Reader& in) {
  const WorkerState state = take_worker_state(in, before_.dtype(), before_.dim());
  encoder_.h() = state.h;
  tpc::Reader memory(state.memory.data(), state.memory.size());
  begun_ = memory.get<std::uint8_t>() != 0;
  take(memory, before_);
  for (RawVector* vector : encoder_.state()) take(memory, *vector);
  memory.finish();
}

}  // namespace threepc
