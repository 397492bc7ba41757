// What the server sends down: read by a replica of the model. The first byte chooses what [downlink] is of, the second
// the dtype, the third steps or a state; the rest is the letter, to a replica at zero in round 5.
#include <memory>

#include "../conformance/cases.hpp"
#include "failure.hpp"
#include "members/star/downlink.hpp"
#include "target.hpp"

namespace threepc {
namespace {

using fuzz::promise;
using Of = DownlinkConfig::Of;

constexpr std::uint32_t dim = 33;

RunConfig configuration(Of of) {
  RunConfig config;
  config.optimizer = conformance::resolve(TPC_OPTIMIZER, {"heavy-ball"});
  config.downlink.of = of;
  const conformance::Request topk = {"topk", {{"k", std::int64_t{5}}}};
  if (of != Of::steps)
    config.downlink.mechanism = conformance::resolve(TPC_MECHANISM, {"ef21", {}, {{"compressor", topk}}});
  return config;
}

const RunConfig& configuration_of(std::uint8_t choice) {
  static const RunConfig all[] = {configuration(Of::steps), configuration(Of::gradient), configuration(Of::model)};
  return all[choice % 3];
}

void read(std::uint8_t choice, tpc_dtype dtype, Form form, std::span<const std::uint8_t> bytes) {
  ModelReplica replica(configuration_of(choice), {dtype, dim, 1, 0, 1});
  // Enough zeros for any state: nothing on loan, and vectors of which nothing differs from zero.
  const std::size_t vectors[] = {3, 4, 2};
  const Bytes zeros((choice % 3 == 0 ? 0 : 1) + vectors[choice % 3] * sizeof(std::uint32_t));
  promise(read_letter(Form::state, zeros, 5, replica), "a state is taken");
  const bool led = read_letter(form, bytes, 6, replica);
  promise(led || form == Form::steps, "only steps can lead elsewhere");
}

}  // namespace
}  // namespace threepc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace threepc;
  if (size < 3) return 0;
  try {
    read(data[0], data[1] % 2 == 0 ? TPC_F64 : TPC_F32, data[2] % 2 == 0 ? Form::steps : Form::state,
         {data + 3, size - 3});
  } catch (const tpc::Error& error) {
    fuzz::promise_message(error.what());
  } catch (const Failure& failure) {
    fuzz::promise_message(failure.what());
    promise(failure.code() == Exit::peer, "a malformed letter is the server's fault");
  }
  return 0;
}
