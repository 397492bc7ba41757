// A worker and its server around one mechanism, without the network in between.
#pragma once

#include <cstdint>
#include <vector>

#include "cases.hpp"
#include "method/encoder.hpp"
#include "method/replica.hpp"
#include "vectors.hpp"

namespace threepc::conformance {

using Bytes = std::vector<std::uint8_t>;
using Values = std::vector<double>;

inline Values values_of(const ExactVector& h) {
  Values out(h.sum().dim());
  for (std::uint32_t i = 0; i < out.size(); ++i) {
    if (h.sum().dtype() == TPC_F32)
      out[i] = double{static_cast<const float*>(h.sum().data())[i]};
    else
      out[i] = static_cast<const double*>(h.sum().data())[i];
  }
  return out;
}

/// Both vectors of h, as bytes.
inline Bytes bits_of(const ExactVector& h) {
  Bytes out(h.sum().bytes(), h.sum().bytes() + h.sum().size_bytes());
  out.insert(out.end(), h.error().bytes(), h.error().bytes() + h.error().size_bytes());
  return out;
}

/// A gradient that wanders and calms down, so that lazy mechanisms send in some rounds and skip in others.
inline Values gradient_at(std::uint32_t dim, std::uint64_t round, std::uint32_t worker) {
  const Values drift = gaussian(dim, 1000 + worker);
  const Values noise = gaussian(dim, static_cast<std::uint32_t>(1 + round * 31 + worker));
  const double size = 1 / (1 + 0.05 * static_cast<double>(round));
  return from_index(dim, [&](auto i) { return drift[i] * size + 0.3 * noise[i] * size; });
}

/// A worker with its h, the server's view of it, and the last message.
class Pair {
 public:
  Pair(const Request& request, tpc_dtype dtype, std::uint32_t dim, std::uint32_t worker, std::uint32_t workers = 3)
      : spec_(resolve(TPC_MECHANISM, request)),
        dtype_(dtype),
        dim_(dim),
        worker_(worker),
        here_(spec_, {dtype, dim, workers, worker, 21}),
        there_(spec_, {dtype, dim, workers, TPC_SERVER, 21}),
        g_(dtype, dim),
        y_(dtype, gradient_at(dim, 0, worker)) {
    start(y_);
  }

  void start(const GuardedVector& h) {
    here_.propose_initial(h.data(), message_);
    there_.replay(message_, 0, worker_, g_);
  }

  void propose(std::uint64_t round, const GuardedVector& y, const GuardedVector& x) {
    here_.propose(round, 0.1, y.data(), x.data(), message_);
    there_.replay(message_, round, worker_, g_);
  }

  /// The next round of a run on gradient_at.
  void step(std::uint64_t round) {
    const GuardedVector x(dtype_, gradient_at(dim_, round, worker_));
    propose(round, y_, x);
    y_ = x;
  }

  const TrackedVector& h() const { return here_.h(); }
  const TrackedVector& g() const { return g_; }
  const Bytes& message() const { return message_; }
  const Encoder& worker() const { return here_; }
  const Replica& server() const { return there_; }

 private:
  PluginSpec spec_;
  tpc_dtype dtype_;
  std::uint32_t dim_;
  std::uint32_t worker_;
  Encoder here_;
  Replica there_;
  TrackedVector g_;
  GuardedVector y_;
  Bytes message_;
};

}  // namespace threepc::conformance
