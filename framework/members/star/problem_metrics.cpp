#include "members/star/problem_metrics.hpp"

#include <cmath>
#include <threepc/sdk/bytes.hpp>

namespace threepc {

void append_metrics(Bytes& out, const Problem& problem) {
  for (const tpc::Share& share : problem.metrics()) append(out, share.sum), append(out, share.weight);
}

void ProblemMetrics::add(std::span<const std::uint8_t> shares) {
  const tpc::Values<double> values(shares.data());
  for (std::size_t k = 0; k < all_.size(); ++k) all_[k].sum += values[2 * k], all_[k].weight += values[2 * k + 1];
}

void ProblemMetrics::report(bool complete, Metrics& line) const {
  line.metrics.clear();
  for (std::size_t k = 0; k < all_.size(); ++k)
    line.metrics.push_back({names_[k], complete && all_[k].weight > 0 ? all_[k].sum / all_[k].weight : NAN});
}

}  // namespace threepc
