// What workers say to each other before a gradient is known: at the server, which passes it on, and at a worker of a
// graph network. The first byte chooses, and whether the checksum is right; the rest is the message of worker 0 of two.
#include "../conformance/cases.hpp"
#include "failure.hpp"
#include "members/star/joint_evaluation.hpp"
#include "target.hpp"

namespace threepc {
namespace {

using fuzz::promise;

constexpr std::uint64_t round = 3;

void relay(std::span<const std::uint8_t> message) {
  Relay relay(2, 2);
  relay.begin_round(round);
  promise(relay.take(0, round, message) == 0, "only the open stage is taken");
  Bytes empty;
  append(empty, std::uint32_t{0});
  seal(empty, round);
  relay.take(1, round, empty);
  relay.close_stage();
  const Bytes sealed = relay.mail(1, 0);
  const auto mail = unseal(sealed, round);
  promise(mail.has_value(), "what is passed on is sealed");
  for (const Parcels::Parcel& parcel : parse_parcels(*mail).all) promise(parcel.peer == 0, "a parcel has its sender");
}

/// Of two workers on six nodes.
const Problem& graph_network() {
  static const PluginSpec spec = conformance::resolve(
      TPC_PROBLEM, {"gcn", {{"nodes", std::int64_t{6}}, {"words", std::int64_t{4}}, {"p_out", 1.0}, {"p_in", 1.0}}});
  static const Problem problem(spec, {TPC_F64, 0, 2, 0, 1}, 0);
  return problem;
}

void hear(std::span<const std::uint8_t> message) {
  JointEvaluation evaluation(graph_network());
  const RawVector x(TPC_F64, graph_network().facts().dim);
  evaluation.begin(graph_network().context(round, 0, 0.1), x.data());
  evaluation.hear(message);
  promise(!evaluation.is_over(), "there are four exchanges");
}

}  // namespace
}  // namespace threepc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace threepc;
  if (size < 1) return 0;
  Bytes message(data + 1, data + size);
  if (data[0] % 4 < 2) seal(message, threepc::round);
  try {
    if (data[0] % 2 == 0)
      relay(message);
    else
      hear(message);
  } catch (const Failure& failure) {
    fuzz::promise_message(failure.what());
    promise(failure.code() == Exit::peer, "what is malformed is a member's fault");
  }
  return 0;
}
