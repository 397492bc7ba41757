// Means of rows that are cut to a length, from zero or from where the mean was.
#include <algorithm>
#include <cmath>

#include "combination.hpp"

namespace {

constexpr tpc::ParamTraits positive = {.minimum = 0, .above_minimum = true, .required = true};

struct ClipOptions {
  double tau = 1;
};

/// min(1, tau / length) of each row
std::vector<double> factors(std::span<const double> squares, double tau) {
  std::vector<double> out;
  for (const double square : squares) out.push_back(square > tau * tau ? tau / std::sqrt(square) : 1);
  return out;
}

class Clip {
 public:
  static constexpr tpc::About about = {
      .id = "clip", .version = "1.0.0", .summary = "The mean of the rows, each no longer than tau."};
  static constexpr auto params =
      tpc::params(tpc::param<&ClipOptions::tau>("tau", "the length to which longer rows are cut", positive));
  Clip(const ClipOptions& options, const tpc::Setup&) : tau_(options.tau) {}

  void begin(std::uint32_t n) { n_ = n, weights_.clear(); }
  std::uint64_t wants() const { return weights_.empty() ? n_ : 0; }
  void partial(const tpc::Rows& rows, std::span<double> scalars) const {
    for (std::size_t i = 0; i < rows.size(); ++i) scalars[i] += tpc::norm_sq(rows[i]);
  }
  void take(std::span<const double> scalars) {
    weights_ = factors(scalars, tau_);
    for (double& c : weights_) c /= n_;
  }
  void fuse(const tpc::Rows& rows, std::span<double> out) const { combine(rows, weights_, out); }

 private:
  double tau_;
  std::uint32_t n_ = 0;
  std::vector<double> weights_;
};

struct CenteredClipOptions : ClipOptions {
  std::int64_t iterations = 5;
};

/// v <- v + mean_i (u_i - v) min(1, tau / ||u_i - v||), from v = 0 on; so v stays a combination of rows.
class CenteredClip {
 public:
  static constexpr tpc::About about = {
      .id = "centered-clip",
      .version = "1.0.0",
      .summary = "A centre that moves by the mean of what the rows differ from it, each cut to tau; from zero on.",
      .paper =
          "Karimireddy, He, Jaggi, Learning from History for Byzantine Robust Optimization, ICML 2021, arXiv "
          "2012.10333"};
  static constexpr auto params = tpc::params(
      tpc::param<&ClipOptions::tau, CenteredClipOptions>("tau", "the length to which longer differences are cut",
                                                         positive),
      tpc::param<&CenteredClipOptions::iterations>("iterations", "of the centre", {.minimum = 1, .maximum = 10000}));
  CenteredClip(const CenteredClipOptions& options, const tpc::Setup&) : options_(options) {}

  void begin(std::uint32_t n) {
    weights_.assign(n, 0.0);
    left_ = options_.iterations;
  }
  std::uint64_t wants() const { return left_ == 0 ? 0 : weights_.size(); }
  void partial(const tpc::Rows& rows, std::span<double> scalars) const {
    std::vector<double> v(rows.coordinates());
    combine(rows, weights_, v);
    add_distances(rows, v, scalars);
  }
  void take(std::span<const double> scalars) {
    const std::vector<double> a = factors(scalars, options_.tau);
    const auto n = static_cast<double>(a.size());
    double mean = 0;
    for (const double factor : a) mean += factor / n;
    for (std::size_t i = 0; i < a.size(); ++i) weights_[i] = weights_[i] * (1 - mean) + a[i] / n;
    --left_;
  }
  void fuse(const tpc::Rows& rows, std::span<double> out) const { combine(rows, weights_, out); }

 private:
  CenteredClipOptions options_;
  std::vector<double> weights_;
  std::int64_t left_ = 0;
};

}  // namespace

THREEPC_PLUGINS(tpc::aggregator<Clip>, tpc::aggregator<CenteredClip>);
