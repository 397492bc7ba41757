// The median of each coordinate (Yin, Chen, Ramchandran, Bartlett 2018, arXiv 1803.01498).
#include "columns.hpp"

namespace {

class Median {
 public:
  static constexpr tpc::About about = {
      .id = "median",
      .version = "1.0.0",
      .summary = "The median of each coordinate; of an even number the mean of the two in the middle.",
      .paper = "Yin, Chen, Ramchandran, Bartlett, Byzantine-Robust Distributed Learning, ICML 2018, arXiv 1803.01498"};
  static constexpr auto params = tpc::params();
  Median(const tpc::NoOptions&, const tpc::Setup&) {}

  void fuse(const tpc::Rows& rows, std::span<double> out) const { for_each_column(rows, out, median_of); }
};

}  // namespace

THREEPC_PLUGINS(tpc::aggregator<Median>);
