// A problem for the tests: f_i(x) = |x - 1|^2 / 2, but the gradient of worker `who` has `value` in it in the rounds
// from `from` on.
#include <limits>
#include <string_view>
#include <threepc/sdk.hpp>

namespace {

constexpr std::array<const char*, 3> values = {"nan", "inf", "1e308"};

struct SourOptions {
  std::int64_t who = 1;
  std::int64_t from = 0;
  std::string_view value = "nan";
};

template <class T>
class Sour {
 public:
  static constexpr tpc::About about = {.id = "sour", .version = "1.0.0", .summary = "One worker has bad numbers."};
  static constexpr auto params =
      tpc::params(tpc::param<&SourOptions::who>("who", "worker", {.minimum = 0}),
                  tpc::param<&SourOptions::from>("from", "round", {.minimum = 0}),
                  tpc::param<&SourOptions::value>("value", "what is in its gradient", {.choices = values}));

  Sour(const SourOptions& options, const tpc::Setup& setup)
      : is_sour_(static_cast<std::int64_t>(setup.worker()) == options.who), from_(options.from) {
    using limits = std::numeric_limits<double>;
    value_ = options.value == "nan" ? limits::quiet_NaN() : options.value == "inf" ? limits::infinity() : 1e308;
  }
  tpc::Facts facts() const { return {.dim = 20, .L_i = 1, .L_minus = 1}; }
  void start(std::span<T> x0) const { std::fill(x0.begin(), x0.end(), T{0}); }

  double evaluate(const tpc::Context& context, std::span<const T> x, std::span<T> gradient, bool) {
    double f = 0;
    for (std::size_t j = 0; j < x.size(); ++j) f += (x[j] - 1) * (x[j] - 1) / 2;
    for (std::size_t j = 0; j < gradient.size(); ++j) gradient[j] = x[j] - 1;
    if (is_sour_ && static_cast<std::int64_t>(context.round()) >= from_ && !gradient.empty())
      gradient[0] = static_cast<T>(value_);
    return f;
  }

 private:
  bool is_sour_;
  std::int64_t from_;
  double value_;
};

}  // namespace

THREEPC_PLUGINS(tpc::problem<Sour>);
