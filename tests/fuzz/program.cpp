// A worker's message at the server: parsed, replayed by a mechanism, summed into g. The first byte chooses the
// mechanism, the second the dtype; the rest is what both of two workers send.
#include "method/program.hpp"

#include <map>
#include <memory>
#include <vector>

#include "../conformance/cases.hpp"
#include "failure.hpp"
#include "method/aggregate.hpp"
#include "method/replica.hpp"
#include "target.hpp"

namespace threepc {
namespace {

using fuzz::promise;
using Span = std::span<const std::uint8_t>;

constexpr std::uint32_t dim = 33, workers = 2;

struct Mechanism {
  PluginSpec spec;
  Membership membership;
  Replica tree;

  Mechanism(const conformance::Request& request, tpc_dtype dtype)
      : spec(conformance::resolve(TPC_MECHANISM, request)),
        membership{dtype, dim, workers, TPC_SERVER, 1},
        tree(spec, membership) {}
};

/// Instances are kept, because to make one costs more than to use it.
const Mechanism& mechanism_of(std::uint8_t choice, std::uint8_t dtype_choice) {
  static std::map<std::pair<std::size_t, tpc_dtype>, std::unique_ptr<Mechanism>> made;
  const auto& cases = conformance::mechanism_cases();
  const std::size_t number = choice % cases.size();
  const tpc_dtype dtype = dtype_choice % 2 == 0 ? TPC_F64 : TPC_F32;
  auto& place = made[{number, dtype}];
  if (place == nullptr) place = std::make_unique<Mechanism>(cases[number].request, dtype);
  return *place;
}

bool same(const Operation& a, const Operation& b) {
  return a.kind == b.kind && a.codec == b.codec &&
         std::equal(a.payload.begin(), a.payload.end(), b.payload.begin(), b.payload.end());
}

/// Written again it says the same; equal bytes are too much to ask, because a length may be padded.
void check_round_trip(const std::vector<Operation>& operations) {
  std::vector<std::uint8_t> again;
  ProgramWriter writer(again);
  for (const Operation& operation : operations) {
    writer.begin(operation.kind, operation.codec);
    again.insert(again.end(), operation.payload.begin(), operation.payload.end());
  }
  const std::vector<Operation> back = parse_program(again);
  promise(std::equal(back.begin(), back.end(), operations.begin(), operations.end(), same),
          "a program that is written again says the same");
}

void absorb(const Mechanism& mechanism, Span program) {
  Aggregate aggregate(mechanism.tree, mechanism.membership, Ledger::Shrinks::by_replaying);
  RawVector g(mechanism.membership.dtype, dim);
  for (std::uint64_t round = 0; round < 2; ++round) {
    aggregate.begin_round(round);
    for (std::uint32_t worker = 0; worker < workers; ++worker) aggregate.absorb(worker, program);
    aggregate.combine(g);
  }
  aggregate.absorb_late(1, 0, program);
  aggregate.remove(0);
  aggregate.combine(g);
}

}  // namespace
}  // namespace threepc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace threepc;
  if (size < 2) return 0;
  const Span program(data + 2, size - 2);
  try {
    check_round_trip(parse_program(program));
    absorb(mechanism_of(data[0], data[1]), program);
  } catch (const Failure& failure) {
    fuzz::promise_message(failure.what());
    promise(failure.code() == Exit::peer, "a malformed program is the sender's fault");
  }
  return 0;
}
