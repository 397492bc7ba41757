#include <cstdint>
#include <span>
#include <threepc/sdk.hpp>

namespace {

struct BernoulliOptions {
  double p = 0.5;
  bool scaled = true;
};

/// Sends the whole vector with probability p, else nothing. Scaled by 1/p it is unbiased with omega = 1/p - 1;
/// unscaled it is contractive with alpha = p in expectation.
///
/// Payload: d values or none. The coin is this worker's own in each round; the decoder tosses it again.
template <class T>
class Bernoulli {
 public:
  static constexpr tpc::About about = {
      .id = "bernoulli",
      .version = "1.0.0",
      .summary = "Sends all of the vector with probability p, else nothing.",
      .paper =
          "Richtarik et al., 3PC: Three Point Compressors for Communication-Efficient Distributed Training, "
          "ICML 2022, arXiv 2202.00998",
      .theory = "omega = 1/p - 1"};
  static constexpr auto params = tpc::params(
      tpc::param<&BernoulliOptions::p>("p", "probability of sending",
                                       {.minimum = 0, .maximum = 1, .above_minimum = true}),
      tpc::param<&BernoulliOptions::scaled>("scaled", "true: times 1/p, unbiased; false: as it is, contractive"));

  Bernoulli(const BernoulliOptions& options, const tpc::Setup& setup)
      : dim_(setup.dim()), p_(options.p), scaled_(options.scaled), scale_(scaled_ ? T(1 / p_) : T(1)) {}

  tpc::Constants constants() const {
    return scaled_ ? tpc::Constants{.alpha = p_ == 1 ? 1.0 : tpc::none, .omega = 1 / p_ - 1}
                   : tpc::Constants{.alpha = p_, .omega = p_ == 1 ? 0.0 : tpc::none};
  }
  std::uint64_t max_payload() const { return std::uint64_t{dim_} * sizeof(T); }

  void encode(const tpc::Context& context, tpc::Difference<T> v, tpc::Writer& out) const {
    if (!sends(context)) return;
    for (std::uint32_t i = 0; i < dim_; ++i) out.put(T(v[i] * scale_));
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context& context, tpc::Reader& in, Sum& out) const {
    if (!sends(context)) return 0;
    const auto values = in.take<T>(dim_);
    out.add_run(0, dim_, [&](std::size_t i) { return values[i]; });
    return dim_;
  }

 private:
  bool sends(const tpc::Context& context) const { return context.random(tpc::Scope::own).uniform() < p_; }

  std::uint32_t dim_;
  double p_;
  bool scaled_;
  T scale_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<Bernoulli>);
