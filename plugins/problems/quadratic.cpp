// Quadratics with a common tridiagonal structure, whose constants all have closed forms.
//
// Worker i holds f_i(x) = x'A_i x / 2 - b_i'x with A_i = stiffness_i T + shift I and b_i = pull_i e_1, where
// T = tridiag(-1, 2, -1), stiffness_i = nu_s[i]/4 and pull_i = stiffness_i (nu_b[i] - 1) (Richtarik et al. 2022, the
// synthetic quadratics of the experiments). The generator draws nu_s[i] = 1 + s xi_i and nu_b[i] = s zeta_i with
// xi_i, zeta_i standard normal, and chooses `shift` so that the smallest eigenvalue of mean A_i is lambda. The
// eigenvalues of T are 4 sin^2(pi j / (2 (d + 1))), j = 1 .. d, and every A_i has T's eigenvectors, so the extreme
// ones give L_i, L_minus and the Hessian variance.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <threepc/sdk.hpp>
#include <tuple>
#include <utility>
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

/// The scalars of all workers, from the stream that they share: every worker needs them, because L_minus does.
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

/// What all workers of a run have in common.
struct Family {
  explicit Family(QuadraticScalars all)
      : scalars(std::move(all)),
        spectrum(scalars.dim),
        L_minus(spectral_norm(spectrum, mean(scalars.nu_s), scalars.shift)),
        hessian_spread(deviation(scalars.nu_s) / 4 * spectrum.largest) {}

  tpc::Facts facts_of(std::uint32_t worker) const {
    return {.dim = scalars.dim,
            .L_i = spectral_norm(spectrum, scalars.nu_s[worker], scalars.shift),
            .L_minus = L_minus,
            .hessian_spread = hessian_spread};
  }

  QuadraticScalars scalars;
  Spectrum spectrum;
  double L_minus, hessian_spread;
};

/// The families that this process has drawn, as long as a worker uses them: n workers that each drew the 2n scalars of
/// all would make 10,000 workers start slowly. Any thread; who asks for one that is being drawn waits for it.
class DrawnFamilies {
 public:
  std::shared_ptr<const Family> get(const QuadraticOptions& options, const tpc::Setup& setup) {
    const tpc_setup& raw = setup.raw();
    const Key key(raw.seed, raw.stream, raw.workers, options.dim, options.lambda, options.s);
    const std::lock_guard lock(mutex_);
    if (const auto found = known_.find(key); found != known_.end())
      if (auto shared = found->second.lock()) return shared;
    std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
    const auto drawn = std::make_shared<const Family>(generate(options, setup));
    known_[key] = drawn;
    return drawn;
  }

 private:
  using Key = std::tuple<std::uint64_t, std::uint32_t, std::uint32_t, std::int64_t, double, double>;
  std::mutex mutex_;
  std::map<Key, std::weak_ptr<const Family>> known_;
};

std::shared_ptr<const Family> obtain(const QuadraticOptions& options, const tpc::Setup& setup) {
  static DrawnFamilies drawn;
  if (options.scalars) return std::make_shared<const Family>(load(options, setup));
  if (options.problem) throw tpc::BadParameter("problem", "selects an entry of the file `scalars`, which is not set");
  return drawn.get(options, setup);
}

/// One worker's A_i x - b_i and f_i(x), x in R^d.
template <class T>
struct Operator {
  double stiffness, shift, pull;

  /// (A_i x)_j from x_j and its neighbours. Differences first: near a minimiser x is smooth, its second
  /// difference is tiny, and 2 stiffness + shift as one diagonal entry would round the shift away in f32.
  static T row(T stiff, T shifted, T left, T x, T right) { return stiff * ((x - left) - (right - x)) + shifted * x; }

  void gradient(const T* __restrict x, T* __restrict out, std::size_t d) const {
    const T stiff = static_cast<T>(stiffness), shifted = static_cast<T>(shift);
    for (std::size_t j = 1; j + 1 < d; ++j) out[j] = row(stiff, shifted, x[j - 1], x[j], x[j + 1]);
    out[d - 1] = row(stiff, shifted, d == 1 ? T{0} : x[d - 2], x[d - 1], T{0});
    if (d > 1) out[0] = row(stiff, shifted, T{0}, x[0], x[1]);
    out[0] -= static_cast<T>(pull);
  }

  /// x'Tx is the sum of the squared steps of 0, x_1, ..., x_d, 0: no cancellation, whatever the dtype.
  double value(const T* x, std::size_t d) const {
    const double first = x[0], last = x[d - 1];
    const double but_last = tpc::detail::lane_sum(d - 1, [=, this](std::size_t j) {
      const double here = x[j], step = double{x[j + 1]} - here;
      return stiffness * (step * step) + shift * (here * here);
    });
    const double form = but_last + stiffness * (first * first + last * last) + shift * (last * last);
    return form / 2 - pull * first;
  }
};

// The same operations in wider registers; no fused multiply-add, so the bits do not depend on the processor.
#if defined(__x86_64__)
template <class T>
[[gnu::target("avx2"), gnu::flatten]] void wide_gradient(const Operator<T>& op, const T* x, T* out, std::size_t d) {
  op.gradient(x, out, d);
}
template <class T>
[[gnu::target("avx2"), gnu::flatten]] double wide_value(const Operator<T>& op, const T* x, std::size_t d) {
  return op.value(x, d);
}
bool has_wide_registers() { return __builtin_cpu_supports("avx2"); }
#else
template <class T>
void wide_gradient(const Operator<T>& op, const T* x, T* out, std::size_t d) {
  op.gradient(x, out, d);
}
template <class T>
double wide_value(const Operator<T>& op, const T* x, std::size_t d) {
  return op.value(x, d);
}
bool has_wide_registers() { return false; }
#endif

template <class T>
class Quadratic {
 public:
  static constexpr tpc::About about = {
      .id = "quadratic",
      .version = "1.0.0",
      .summary = "Tridiagonal quadratics of adjustable heterogeneity, with every constant in closed form.",
      .paper = "Richtarik et al., 3PC: Three Point Compressors, ICML 2022, arXiv 2202.00998",
      .theory = "L_i, L-, L+- in closed form"};
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
          "problem", "which entry of \"problems\" in the file `scalars`; without it, its top level"));

  Quadratic(const QuadraticOptions& options, const tpc::Setup& setup) {
    if (setup.worker() >= setup.workers())
      throw tpc::Error(TPC_INVALID_ARGUMENT, "a quadratic belongs to one of the workers");
    family_ = obtain(options, setup);
    facts_ = family_->facts_of(setup.worker());
    const QuadraticScalars& scalars = family_->scalars;
    const double stiffness = scalars.nu_s[setup.worker()] / 4;
    operator_ = {stiffness, scalars.shift, stiffness * (scalars.nu_b[setup.worker()] - 1)};
  }

  tpc::Facts facts() const { return facts_; }

  void start(std::span<T> x0) const {
    std::fill(x0.begin(), x0.end(), T{0});
    x0[0] = static_cast<T>(std::sqrt(static_cast<double>(x0.size())));
  }

  double evaluate(const tpc::Context&, std::span<const T> x, std::span<T> gradient, bool want_value) const {
    if (!gradient.empty()) {
      if (wide_)
        wide_gradient(operator_, x.data(), gradient.data(), x.size());
      else
        operator_.gradient(x.data(), gradient.data(), x.size());
    }
    if (!want_value) return 0;
    return wide_ ? wide_value(operator_, x.data(), x.size()) : operator_.value(x.data(), x.size());
  }

 private:
  std::shared_ptr<const Family> family_;
  tpc::Facts facts_;
  Operator<T> operator_;
  bool wide_ = has_wide_registers();
};

}  // namespace

THREEPC_PLUGINS(tpc::problem<Quadratic>);
