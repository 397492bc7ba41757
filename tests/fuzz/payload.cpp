// A payload from a stranger, decoded by every built-in compressor. The first byte chooses the compressor and its
// parameters, the second dtype and dimension; the rest is the payload.
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <tuple>

#include "../conformance/cases.hpp"
#include "failure.hpp"
#include "target.hpp"
#include "vector/exact_vector.hpp"

namespace threepc {
namespace {

using fuzz::promise;
using Bytes = std::span<const std::uint8_t>;

constexpr std::uint32_t dims[] = {0, 1, 5, 33, 300};
constexpr std::uint32_t workers = 4;

struct Decoder {
  const conformance::CompressorCase& of;
  PluginSpec spec;
  Membership membership;
  std::optional<Compressor> compressor;  // none: its parameters do not fit this dimension

  Decoder(const conformance::CompressorCase& chosen, tpc_dtype dtype, std::uint32_t dim)
      : of(chosen),
        spec(conformance::resolve(TPC_COMPRESSOR, chosen.request)),
        membership{dtype,      dim, workers,
                   TPC_SERVER, 1,   chosen.layered ? conformance::layers(dim) : std::vector<tpc::Block>{}} {
    try {
      compressor.emplace(spec, membership, 1, Role::replica);
    } catch (const Failure& failure) {
      promise(failure.code() == Exit::usage, "parameters that do not fit are the user's");
    }
  }

  std::uint64_t decode(Bytes payload, ExactVector& out) const {
    return compressor->accumulate(compressor->context(3, 2, NAN), payload, out.target());
  }
};

/// Instances are kept, because to make one costs more than to use it.
const Decoder& decoder_of(std::uint8_t choice, std::uint8_t shape) {
  static std::map<std::tuple<std::size_t, tpc_dtype, std::uint32_t>, std::unique_ptr<Decoder>> made;
  const auto& cases = conformance::compressor_cases();
  const std::size_t number = choice % cases.size();
  const tpc_dtype dtype = shape % 2 == 0 ? TPC_F64 : TPC_F32;
  const std::uint32_t dim = dims[shape / 2 % std::size(dims)];
  auto& place = made[{number, dtype, dim}];
  if (place == nullptr) place = std::make_unique<Decoder>(cases[number], dtype, dim);
  return *place;
}

bool same_bits(const RawVector& a, const RawVector& b) {
  return std::equal(a.bytes(), a.bytes() + a.size_bytes(), b.bytes());
}

void decode(const Decoder& decoder, Bytes payload) {
  const Membership& m = decoder.membership;
  ExactVector once(m.dtype, m.dim), again(m.dtype, m.dim), wide(TPC_F64, m.dim);
  const std::uint64_t values = decoder.decode(payload, once);
  promise(values <= decoder.of.values(m.dim), "a payload carries no more values than a compressor sends");
  promise(decoder.decode(payload, again) == values && decoder.decode(payload, wide) == values,
          "values are counted alike");
  promise(same_bits(once.sum(), again.sum()) && same_bits(once.error(), again.error()), "a decoder has no memory");
}

}  // namespace
}  // namespace threepc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace threepc;
  if (size < 2) return 0;
  const Decoder& decoder = decoder_of(data[0], data[1]);
  if (!decoder.compressor) return 0;
  try {
    decode(decoder, {data + 2, size - 2});
  } catch (const Failure& failure) {
    fuzz::promise_message(failure.what());
    promise(failure.code() == Exit::peer, "a malformed payload is the sender's fault");
  }
  return 0;
}
