// What a worker tells the server before the first round, and what anybody tells who fails.
#include <vector>

#include "failure.hpp"
#include "members/channel.hpp"
#include "target.hpp"

namespace threepc {
namespace {

using fuzz::promise;

void check(const WorkerFacts& facts, std::span<const std::uint8_t> bytes, std::size_t rest) {
  std::uint64_t covered = 0;
  for (const tpc::Block& block : facts.blocks) {
    promise(block.rows > 0 && block.columns > 0, "no block is empty");
    promise(std::uint64_t{block.rows} * block.columns <= facts.dim - covered, "blocks stay inside the vector");
    covered += std::uint64_t{block.rows} * block.columns;
  }
  promise(facts.blocks.empty() || covered == facts.dim, "blocks cover the vector");
  promise(to_bytes(facts).size() + rest == bytes.size(), "facts are as long as their bytes");
}

void read_facts(std::span<const std::uint8_t> bytes) {
  std::span<const std::uint8_t> rest = bytes;
  try {
    const WorkerFacts facts = take_worker_facts(rest);
    check(facts, bytes, rest.size());
  } catch (const Failure& failure) {
    fuzz::promise_message(failure.what());
    promise(failure.code() == Exit::peer, "malformed facts are the worker's fault");
  }
}

}  // namespace
}  // namespace threepc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  threepc::read_facts({data, size});
  threepc::fuzz::promise_message(threepc::from_failure_message({data, size}, "worker 3").what());
  return 0;
}
