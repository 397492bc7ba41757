// One compressor, driven by hand: what a worker encodes and what the server makes of it.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "cases.hpp"
#include "plugin/instances.hpp"
#include "vectors.hpp"

namespace threepc::conformance {

/// Encoders of all workers and the decoder, for vectors of one dim.
class Roundtrip {
 public:
  Roundtrip(const Request& request, tpc_dtype dtype, std::uint32_t dim, std::uint32_t workers = 1,
            const std::vector<tpc::Block>& blocks = {})
      : spec_(resolve(TPC_COMPRESSOR, request)),
        decoder_(spec_, {dtype, dim, workers, TPC_SERVER, 1, blocks}, 16, Role::replica) {
    for (std::uint32_t worker = 0; worker < workers; ++worker)
      encoders_.emplace_back(spec_, Membership{dtype, dim, workers, worker, 1, blocks}, 16, Role::encoder);
  }

  tpc::Constants constants() const { return decoder_.constants(); }
  const Membership& membership() const { return decoder_.membership(); }

  std::vector<std::uint8_t> encode(const std::vector<double>& v, std::uint64_t round, std::uint32_t worker = 0) const {
    std::vector<std::uint8_t> payload;
    const GuardedVector rounded(membership().dtype, v);
    encoders_[worker].encode(encoders_[worker].context(round, worker, NAN), rounded.data(), nullptr, payload);
    return payload;
  }

  std::vector<double> decode(const std::vector<std::uint8_t>& payload, std::uint64_t round,
                             std::uint32_t worker = 0) const {
    GuardedVector sum(TPC_F64, membership().dim);
    const tpc_sum target = {sizeof(tpc_sum), TPC_F64, membership().dim, 0, sum.data(), nullptr, 1};
    decoder_.accumulate(decoder_.context(round, worker, NAN), payload, target);
    return sum.values();
  }

  std::vector<double> operator()(const std::vector<double>& v, std::uint64_t round, std::uint32_t worker = 0) const {
    return decode(encode(v, round, worker), round, worker);
  }

 private:
  const PluginSpec spec_;
  Compressor decoder_;
  std::vector<Compressor> encoders_;
};

/// ||C(v) - v||^2 / ||v||^2
inline double relative_error(const std::vector<double>& compressed, const std::vector<double>& v) {
  return norm_sq(minus(compressed, v)) / norm_sq(v);
}

}  // namespace threepc::conformance
