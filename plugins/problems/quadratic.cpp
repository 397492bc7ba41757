// Quadratics with a common tridiagonal structure, whose constants all have closed forms.
//
// Worker i holds f_i(x) = x'A_i x / 2 - b_i'x with A_i = stiffness_i T + shift I and b_i = pull_i e_1, where
// T = tridiag(-1, 2, -1), stiffness_i = nu_s[i]/4 and pull_i = stiffness_i (nu_b[i] - 1) (Richtarik et al. 2022,
// section 6 and Algorithm 11 of the appendix; after Szlendak et al. 2021). The generator draws
// nu_s[i] = 1 + s xi_i and nu_b[i] = s zeta_i with xi_i, zeta_i standard normal, and chooses `shift` so that the
// smallest eigenvalue of mean A_i is lambda. The eigenvalues of T are 4 sin^2(pi j / (2 (d + 1))), j = 1 .. d,
// and every A_i has T's eigenvectors, so the extreme ones give L_i, L_minus and the Hessian variance.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <threepc/sdk.hpp>
#include <vector>

#include "quadratic_scalars.hpp"

namespace {

struct QuadraticOptions {
  std::int64_t dim = 1000;
  double lambda = 1e-6;
  double s = 0;
  std::optional<tpc::Path> scalars;
  std::optional<std::string_view> problem;
};

/// The extreme eigenvalues of T = tridiag(-1, 2, -1) in d dimensions. Sines of the half angle, because 2 - 2 cos
/// cancels: at d = 1000 it would lose six digits of the smallest one.
struct Spectrum {
  explicit Spectrum(std::uint32_t d) {
    const double half_angle = std::numbers::pi / (2 * (static_cast<double>(d) + 1));
    smallest = 4 * std::pow(std::sin(half_angle), 2);
    largest = d == 1 ? smallest : 4 * std::pow(std::cos(half_angle), 2);
  }
  double smallest, largest;
};

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values) {
  const double center = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - center) * (value - center);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

/// ||nu/4 T + shift I||, the spectral norm: nu may be negative, so it need not be the largest eigenvalue.
double spectral_norm(const Spectrum& T, double nu, double shift) {
  return std::max(std::abs(nu / 4 * T.smallest + shift), std::abs(nu / 4 * T.largest + shift));
}

/// Every worker draws the scalars of all, from the stream that they share, because L_minus needs them.
QuadraticScalars generate(const QuadraticOptions& options, const tpc::Setup& setup) {
  QuadraticScalars out{.dim = static_cast<std::uint32_t>(options.dim)};
  const tpc_context round = setup.first_round();
  tpc::Random random(setup.host(), round, tpc::Scope::shared_by_workers);
  for (std::uint32_t i = 0; i < setup.workers(); ++i) {
    out.nu_s.push_back(1 + options.s * random.normal());
    out.nu_b.push_back(options.s * random.normal());
  }
  const Spectrum T(out.dim);
  const double stiffness = mean(out.nu_s) / 4;
  out.shift = options.lambda - std::min(stiffness * T.smallest, stiffness * T.largest);
  return out;
}

QuadraticScalars load(const QuadraticOptions& options, const tpc::Setup& setup) {
  const std::string file(options.scalars->file);
  QuadraticScalars out = read_quadratic_scalars(file, options.problem);
  if (out.nu_s.size() != setup.workers())
    throw tpc::BadParameter(
        "scalars", tpc::text(file, " holds the scalars of ", out.nu_s.size(), " workers, the run has ", setup.workers(),
                             "; make workers.count equal"));
  return out;
}

QuadraticScalars obtain(const QuadraticOptions& options, const tpc::Setup& setup) {
  if (options.scalars) return load(options, setup);
  if (options.problem) throw tpc::BadParameter("problem", "selects an entry of the file `scalars`, which is not set");
  return generate(options, setup);
}

tpc::Facts closed_forms(const QuadraticScalars& scalars, std::uint32_t worker) {
  const Spectrum T(scalars.dim);
  return {.dim = scalars.dim,
          .L_i = spectral_norm(T, scalars.nu_s[worker], scalars.shift),
          .L_minus = spectral_norm(T, mean(scalars.nu_s), scalars.shift),
          .hessian_spread = deviation(scalars.nu_s) / 4 * T.largest};
}

template <class T>
class Quadratic {
 public:
  static constexpr tpc::About about = {
      .id = "quadratic",
      .version = "1.0.0",
      .summary = "Tridiagonal quadratics of adjustable heterogeneity, with every constant in closed form.",
      .paper = "Richtarik et al., 3PC: Three Point Compressors, ICML 2022, arXiv 2202.00998"};
  static constexpr auto params = tpc::params(
      tpc::param<&QuadraticOptions::dim>("dim", "number of coordinates d; `scalars` overrides it",
                                         {.minimum = 1, .maximum = 4294967294.0}),
      tpc::param<&QuadraticOptions::lambda>("lambda", "smallest eigenvalue of the mean Hessian; `scalars` overrides it",
                                            {.minimum = 0}),
      tpc::param<&QuadraticOptions::s>("s", "how much the workers differ, 0: not at all; `scalars` overrides it",
                                       {.minimum = 0}),
      tpc::param<&QuadraticOptions::scalars>(
          "scalars", "JSON file with nu_s and nu_b (one number a worker), shift and d, instead of random ones"),
      tpc::param<&QuadraticOptions::problem>(
          "problem", "which entry of quadratic/problems in the file `scalars`; without it, its top level"));

  Quadratic(const QuadraticOptions& options, const tpc::Setup& setup) {
    if (setup.worker() >= setup.workers())
      throw tpc::Error(TPC_INVALID_ARGUMENT, "a quadratic belongs to one of the workers");
    const QuadraticScalars scalars = obtain(options, setup);
    facts_ = closed_forms(scalars, setup.worker());
    stiffness_ = scalars.nu_s[setup.worker()] / 4;
    pull_ = stiffness_ * (scalars.nu_b[setup.worker()] - 1);
    shift_ = scalars.shift;
  }

  tpc::Facts facts() const { return facts_; }

  void start(std::span<T> x0) const {
    std::fill(x0.begin(), x0.end(), T{0});
    x0[0] = static_cast<T>(std::sqrt(static_cast<double>(x0.size())));
  }

  double evaluate(const tpc::Context&, std::span<const T> x, std::span<T> gradient, bool want_value) const {
    if (!gradient.empty()) fill_gradient(x.data(), gradient.data(), x.size());
    return want_value ? value(x) : 0;
  }

 private:
  /// (A_i x)_j from x_j and its neighbours. Differences first: near a minimiser x is smooth, its second
  /// difference is tiny, and 2 stiffness + shift as one diagonal entry would round the shift away in f32.
  static T row(T stiffness, T shift, T left, T x, T right) {
    return stiffness * ((x - left) - (right - x)) + shift * x;
  }

  void fill_gradient(const T* __restrict x, T* __restrict gradient, std::size_t d) const {
    const T stiffness = static_cast<T>(stiffness_), shift = static_cast<T>(shift_);
    for (std::size_t j = 1; j + 1 < d; ++j) gradient[j] = row(stiffness, shift, x[j - 1], x[j], x[j + 1]);
    gradient[d - 1] = row(stiffness, shift, d == 1 ? T{0} : x[d - 2], x[d - 1], T{0});
    if (d > 1) gradient[0] = row(stiffness, shift, T{0}, x[0], x[1]);
    gradient[0] -= static_cast<T>(pull_);
  }

  /// x'Tx is the sum of the squared steps of 0, x_1, ..., x_d, 0: no cancellation, whatever the dtype.
  double value(std::span<const T> x) const {
    const double first = x.front(), last = x.back();
    const double steps = tpc::detail::lane_sum(x.size() - 1, [&](std::size_t j) {
      const double step = double{x[j + 1]} - double{x[j]};
      return step * step;
    });
    const double form = stiffness_ * (first * first + steps + last * last) + shift_ * tpc::norm_sq(x);
    return form / 2 - pull_ * first;
  }

  tpc::Facts facts_;
  double stiffness_, pull_, shift_;
};

}  // namespace

THREEPC_PLUGINS(tpc::problem<Quadratic>);
