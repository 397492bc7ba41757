// Bulyan (El Mhamdi, Guerraoui, Rouault 2018, arXiv 1802.07927): Krum chooses theta = n - 2 f rows, one by one among
// those that are left; then each coordinate is the mean of the theta - 2 f values nearest to the median of the chosen.
#include <cmath>

#include "columns.hpp"
#include "distances.hpp"

namespace {

class Bulyan {
 public:
  static constexpr tpc::About about = {
      .id = "bulyan",
      .version = "1.0.0",
      .summary = "Of the n - 2 f rows that Krum chooses, in each coordinate the mean of those nearest to the median.",
      .paper =
          "El Mhamdi, Guerraoui, Rouault, The Hidden Vulnerability of Distributed Learning in Byzantium, ICML "
          "2018, arXiv 1802.07927"};
  static constexpr auto params = tpc::params(byzantine_param<ByzantineOptions>());
  Bulyan(const ByzantineOptions& options, const tpc::Setup&) : f_(static_cast<std::uint32_t>(options.byzantine)) {}

  void begin(std::uint32_t n) {
    require_rows("bulyan", n, f_, 4, 3);
    n_ = n;
    distances_.begin(n);
  }
  std::uint64_t wants() const { return distances_.wants(); }
  void partial(const tpc::Rows& rows, std::span<double> scalars) const { distances_.partial(rows, scalars); }
  void take(std::span<const double> scalars) {
    distances_.take(scalars);
    choose();
  }

  void fuse(const tpc::Rows& rows, std::span<double> out) const {
    const std::size_t kept = chosen_.size() - 2 * std::size_t{f_};
    std::vector<double> values(chosen_.size());
    for (std::size_t j = 0; j < out.size(); ++j) {
      for (std::size_t i = 0; i < chosen_.size(); ++i) values[i] = rows[chosen_[i]][j];
      out[j] = mean_near_median(values, kept);
    }
  }

 private:
  void choose() {
    std::vector<std::uint32_t> left = all_rows(n_);
    chosen_.clear();
    while (chosen_.size() < n_ - 2 * std::size_t{f_}) {
      const std::vector<double> scores = distances_.scores(left, f_);
      const auto best = std::min_element(scores.begin(), scores.end()) - scores.begin();
      chosen_.push_back(left[static_cast<std::size_t>(best)]);
      left.erase(left.begin() + best);
    }
    std::sort(chosen_.begin(), chosen_.end());
  }

  /// At equal distance the lower row counts first.
  static double mean_near_median(const std::vector<double>& values, std::size_t kept) {
    std::vector<double> sorted = values;
    const double median = median_of(sorted);
    sorted = values;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&](double a, double b) { return std::abs(a - median) < std::abs(b - median); });
    return mean_of(std::span(sorted).first(kept));
  }

  std::uint32_t f_;
  std::uint32_t n_ = 0;
  Distances distances_;
  std::vector<std::uint32_t> chosen_;
};

}  // namespace

THREEPC_PLUGINS(tpc::aggregator<Bulyan>);
