// The row that is nearest to its neighbours, or the mean of some such rows.
#include "combination.hpp"
#include "distances.hpp"

namespace {

constexpr const char* paper =
    "Blanchard, El Mhamdi, Guerraoui, Stainer, Machine Learning with Adversaries, NeurIPS 2017, arXiv 1703.02757";

/// The `chosen` rows with the smallest scores; of equal ones the lower.
class Choice {
 public:
  void begin(std::uint32_t n) { distances_.begin(n), n_ = n; }
  std::uint64_t wants() const { return distances_.wants(); }
  void partial(const tpc::Rows& rows, std::span<double> scalars) const { distances_.partial(rows, scalars); }
  void take(std::span<const double> scalars) { distances_.take(scalars); }

  /// Their weights.
  std::vector<double> choose(std::uint32_t f, std::size_t chosen) const {
    std::vector<std::uint32_t> order = all_rows(n_);
    const std::vector<double> scores = distances_.scores(order, f);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return scores[a] < scores[b]; });
    std::vector<double> out(n_, 0.0);
    for (std::size_t k = 0; k < chosen; ++k) out[order[k]] = 1 / static_cast<double>(chosen);
    return out;
  }

 private:
  Distances distances_;
  std::uint32_t n_ = 0;
};

class Krum : public Choice {
 public:
  static constexpr tpc::About about = {
      .id = "krum",
      .version = "1.0.0",
      .summary = "The row whose n - f - 2 nearest others are nearest; survives f workers that say anything.",
      .paper = paper};
  static constexpr auto params = tpc::params(byzantine_param<ByzantineOptions>());
  Krum(const ByzantineOptions& options, const tpc::Setup&) : f_(static_cast<std::uint32_t>(options.byzantine)) {}

  void begin(std::uint32_t n) {
    require_rows("krum", n, f_, 2, 3);
    Choice::begin(n);
  }
  void take(std::span<const double> scalars) {
    Choice::take(scalars);
    weights_ = choose(f_, 1);
  }
  void fuse(const tpc::Rows& rows, std::span<double> out) const { combine(rows, weights_, out); }

 private:
  std::uint32_t f_;
  std::vector<double> weights_;
};

struct MultiKrumOptions : ByzantineOptions {
  std::optional<std::int64_t> chosen;
};

class MultiKrum : public Choice {
 public:
  static constexpr tpc::About about = {.id = "multi-krum",
                                       .version = "1.0.0",
                                       .summary = "The mean of the rows with the smallest scores of Krum.",
                                       .paper = paper};
  static constexpr auto params =
      tpc::params(byzantine_param<MultiKrumOptions>(),
                  tpc::param<&MultiKrumOptions::chosen>("chosen", "how many rows; default: n - f",
                                                        {.minimum = 1, .maximum = 4294967295.0}));
  MultiKrum(const MultiKrumOptions& options, const tpc::Setup&)
      : f_(static_cast<std::uint32_t>(options.byzantine)), wanted_(options.chosen) {}

  void begin(std::uint32_t n) {
    require_rows("multi-krum", n, f_, 2, 3);
    chosen_ = wanted_ ? static_cast<std::size_t>(*wanted_) : n - f_;
    if (chosen_ > n) throw tpc::BadParameter("chosen", tpc::text("chosen = ", chosen_, " rows of ", n, " workers"));
    Choice::begin(n);
  }
  void take(std::span<const double> scalars) {
    Choice::take(scalars);
    weights_ = choose(f_, chosen_);
  }
  void fuse(const tpc::Rows& rows, std::span<double> out) const { combine(rows, weights_, out); }

 private:
  std::uint32_t f_;
  std::optional<std::int64_t> wanted_;
  std::size_t chosen_ = 1;
  std::vector<double> weights_;
};

}  // namespace

THREEPC_PLUGINS(tpc::aggregator<Krum>, tpc::aggregator<MultiKrum>);
