// The point with the least sum of distances to the rows, by Weiszfeld's iteration, smoothed (Pillutla, Kakade,
// Harchaoui 2022, arXiv 1912.13445): v <- sum_i c_i u_i / sum_i c_i, c_i = 1 / max(nu, ||u_i - v||), from the mean on.
#include <cmath>

#include "combination.hpp"

namespace {

struct GeometricOptions {
  double tolerance = 1e-9;
  double nu = 1e-6;
  std::int64_t iterations = 1000;
};

class GeometricMedian {
 public:
  static constexpr tpc::About about = {
      .id = "geometric-median",
      .version = "1.0.0",
      .summary = "The point with the least sum of distances to all rows; survives fewer than half of them.",
      .paper =
          "Pillutla, Kakade, Harchaoui, Robust Aggregation for Federated Learning, IEEE TSP 2022, arXiv 1912.13445"};
  static constexpr auto params = tpc::params(
      tpc::param<&GeometricOptions::tolerance>("tolerance", "stops when a step is at most this times ||v||",
                                               {.minimum = 0, .maximum = 1, .above_minimum = true}),
      tpc::param<&GeometricOptions::nu>("nu", "no distance counts as less", {.minimum = 0, .above_minimum = true}),
      tpc::param<&GeometricOptions::iterations>("iterations", "at most", {.minimum = 1, .maximum = 100000}));
  GeometricMedian(const GeometricOptions& options, const tpc::Setup&) : options_(options) {}

  void begin(std::uint32_t n) {
    weights_.assign(n, 1 / static_cast<double>(n));
    before_.clear();
    left_ = options_.iterations;
    done_ = false;
  }

  /// n squared distances to v, then ||v - v before||^2 and ||v||^2.
  std::uint64_t wants() const { return done_ ? 0 : weights_.size() + 2; }

  void partial(const tpc::Rows& rows, std::span<double> scalars) const {
    std::vector<double> v(rows.coordinates()), before(v.size());
    combine(rows, weights_, v);
    if (!before_.empty()) combine(rows, before_, before);
    add_distances(rows, v, scalars);
    for (std::size_t j = 0; j < v.size(); ++j) {
      scalars[weights_.size()] += (v[j] - before[j]) * (v[j] - before[j]);
      scalars[weights_.size() + 1] += v[j] * v[j];
    }
  }

  void take(std::span<const double> scalars) {
    const double move = std::sqrt(scalars[weights_.size()]), norm = std::sqrt(scalars[weights_.size() + 1]);
    done_ = left_-- == 0 || (!before_.empty() && move <= options_.tolerance * norm);
    if (done_) return;
    before_ = weights_;
    double total = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i)
      total += weights_[i] = 1 / std::max(options_.nu, std::sqrt(scalars[i]));
    for (double& c : weights_) c /= total;
  }

  void fuse(const tpc::Rows& rows, std::span<double> out) const { combine(rows, weights_, out); }

 private:
  GeometricOptions options_;
  std::vector<double> weights_, before_;  // of v, and of the v before; none: there was none
  std::int64_t left_ = 0;
  bool done_ = false;
};

}  // namespace

THREEPC_PLUGINS(tpc::aggregator<GeometricMedian>);
