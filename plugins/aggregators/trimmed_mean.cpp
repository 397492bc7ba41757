// The mean of each coordinate without its extremes (Yin, Chen, Ramchandran, Bartlett 2018, arXiv 1803.01498).
#include <cmath>

#include "columns.hpp"

namespace {

struct TrimmedOptions {
  double beta = 0.2;
};

class TrimmedMean {
 public:
  static constexpr tpc::About about = {
      .id = "trimmed-mean",
      .version = "1.0.0",
      .summary = "The mean of each coordinate without its floor(beta n) smallest and largest values.",
      .paper = "Yin, Chen, Ramchandran, Bartlett, Byzantine-Robust Distributed Learning, ICML 2018, arXiv 1803.01498"};
  static constexpr auto params = tpc::params(tpc::param<&TrimmedOptions::beta>(
      "beta", "the share of the values that is dropped at either end", {.minimum = 0, .maximum = 0.4999}));
  TrimmedMean(const TrimmedOptions& options, const tpc::Setup&) : beta_(options.beta) {}

  void fuse(const tpc::Rows& rows, std::span<double> out) const {
    const auto cut = static_cast<std::size_t>(std::floor(beta_ * rows.size()));
    for_each_column(rows, out, [&](std::vector<double>& values) {
      std::sort(values.begin(), values.end());
      return mean_of(std::span(values).subspan(cut, values.size() - 2 * cut));
    });
  }

 private:
  double beta_;
};

}  // namespace

THREEPC_PLUGINS(tpc::aggregator<TrimmedMean>);
