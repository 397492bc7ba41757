// A checkpoint of a run that is to go on: a file from a disk, or from somebody else.
#include "record/checkpoint.hpp"

#include <cstring>

#include "failure.hpp"
#include "hash.hpp"
#include "method/worker_state.hpp"
#include "target.hpp"

namespace threepc {
namespace {

using fuzz::promise;
using Input = std::span<const std::uint8_t>;

std::size_t size_of_blobs(const Checkpoint& checkpoint) {
  std::size_t total = checkpoint.server.size();
  for (const auto& worker : checkpoint.workers) total += worker.size();
  return total;
}

void read_worker_state(Input bytes, tpc_dtype dtype, std::uint32_t dim) {
  try {
    tpc::Reader in(bytes.data(), bytes.size());
    const WorkerState state = take_worker_state(in, dtype, dim);
    const std::size_t taken = bytes.size() - in.remaining();
    Bytes again;
    append(again, state);
    const std::uint8_t lends = bytes[0] != 0 ? 1 : 0;
    promise(again.size() == taken && again[0] == lends && std::equal(again.begin() + 1, again.end(), bytes.begin() + 1),
            "a state is what its bytes say");
  } catch (const tpc::Error& error) {
    fuzz::promise_message(error.what());
    promise(error.status() == TPC_CORRUPT, "a malformed state is called that");
  }
}

void read(Input bytes) {
  try {
    const Checkpoint checkpoint = parse_checkpoint(bytes);
    promise(checkpoint.workers.size() == checkpoint.summary.workers, "each worker has a state");
    promise(size_of_blobs(checkpoint) <= bytes.size(), "states are of the file's bytes");
    for (const auto& worker : checkpoint.workers)
      for (const tpc_dtype dtype : {TPC_F32, TPC_F64}) read_worker_state(worker, dtype, checkpoint.summary.dim);
  } catch (const Failure& failure) {
    fuzz::promise_message(failure.what());
    promise(failure.code() == Exit::data, "a malformed checkpoint is the data's fault");
  }
}

/// With the checksum that a fuzzer does not guess.
Bytes sealed(Bytes content) {
  append(content, hash64(content.data(), content.size()));
  return content;
}

/// A header text until the first 0, which no JSON has, and the states after it; as the file of which they are parts.
Bytes assembled(Input input) {
  const auto end = std::find(input.begin(), input.end(), std::uint8_t{0});
  Bytes out = {'T', '3', 'P', 'C', 'C', 'K', 'P', 'T'};
  append(out, std::uint32_t{1});
  append(out, static_cast<std::uint64_t>(end - input.begin()));
  out.insert(out.end(), input.begin(), end);
  if (end != input.end()) out.insert(out.end(), end + 1, input.end());
  return sealed(out);
}

}  // namespace
}  // namespace threepc

/// Once as the bytes are, once with their checksum, and once as the parts of a file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  threepc::read({data, size});
  threepc::read(threepc::sealed({data, data + size}));
  threepc::read(threepc::assembled({data, size}));
  return 0;
}
