// What the nodes of a graph hear, and the states that they are given. The first byte chooses the mechanism, the second
// whether the rest is a publication, a state or a whole mail; of worker 1 of a ring of two, to worker 0 after round 0.
#include <memory>

#include "../conformance/cases.hpp"
#include "failure.hpp"
#include "members/peers/mail.hpp"
#include "target.hpp"

namespace threepc {
namespace {

using fuzz::promise;

constexpr std::uint32_t dim = 33;

RunConfig configuration(const conformance::Request& mechanism) {
  RunConfig config;
  config.workers = 2;
  config.stepsize = 0.1;
  config.consensus = 0.1;
  config.optimizer = conformance::resolve(TPC_OPTIMIZER, {"push-diging"});
  config.mechanism = conformance::resolve(TPC_MECHANISM, mechanism);
  config.topology = conformance::resolve(TPC_TOPOLOGY, {"ring"});
  return config;
}

const RunConfig& configuration_of(std::uint8_t choice) {
  static const conformance::Request topk = {"topk", {{"k", std::int64_t{5}}}};
  static const RunConfig all[] = {configuration({"ef21", {}, {{"compressor", topk}}}),
                                  configuration({"lag", {{"zeta", 1.0}}}), configuration({"gd"})};
  return all[choice % 3];
}

void read(std::uint8_t choice, std::uint8_t what, std::span<const std::uint8_t> bytes) {
  const RunConfig& config = configuration_of(choice);
  const RawVector zero(TPC_F64, dim);
  GraphNode node(config, {TPC_F64, dim, 2, 0, 1}, std::make_shared<const Network>(config),
                 [](std::uint64_t) { return 0.1; });
  node.start(zero);
  promise(node.mix(0, {}) != nullptr, "gradient tracking begins with a gradient");
  node.adapt(0, zero);
  Bytes said;
  node.publish(0, said);
  promise(programs_of(said, 2).size() == 2, "a publication has its programs");
  tpc::Reader in(bytes.data(), bytes.size());
  if (what % 3 == 0)
    node.mix(1, std::vector<GraphNode::Heard>{{1, bytes}});
  else if (what % 3 == 1)
    node.load(in);
  else
    open_mail(1, 0, node.network(), bytes);
}

}  // namespace
}  // namespace threepc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace threepc;
  if (size < 2) return 0;
  try {
    read(data[0], data[1], {data + 2, size - 2});
  } catch (const tpc::Error& error) {
    fuzz::promise_message(error.what());
  } catch (const Failure& failure) {
    fuzz::promise_message(failure.what());
    promise(failure.code() == Exit::peer, "what is malformed is a member's fault");
  }
  return 0;
}
