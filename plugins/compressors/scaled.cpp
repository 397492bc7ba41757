#include <array>
#include <threepc/sdk.hpp>

namespace {

/// An unbiased Q as a contractive compressor: C(v) = Q(v) / (1 + omega), alpha = 1 / (1 + omega), because
/// E||Q(v)/(1+omega) - v||^2 = E||Q(v)||^2/(1+omega)^2 - (2/(1+omega) - 1)||v||^2 <= omega/(1+omega) ||v||^2.
///
/// Payload: Q's. The decoder scales.
template <class T>
class Scaled {
 public:
  static constexpr tpc::About about = {
      .id = "scaled",
      .version = "1.0.0",
      .summary = "An unbiased compressor divided by 1 + omega, which makes it contractive.",
      .paper = "Richtarik et al., EF21, NeurIPS 2021, arXiv 2106.05203; Lemma 8 of arXiv 2006.11077",
      .theory = "alpha = 1 / (1 + omega)"};
  static constexpr auto params = tpc::params();
  static constexpr std::array slots = {
      tpc::compressor_slot("compressor", tpc::Accepts::unbiased, "Q, what is scaled down")};

  Scaled(const tpc::NoOptions&, const tpc::Setup& setup)
      : child_(setup, 0, setup.dim()), alpha_(1 / (1 + child_.constants().omega)) {}

  /// With independent workers the mean of n errors is not much better than one of them: no omega is known.
  tpc::Constants constants() const {
    const bool exact = alpha_ == 1;
    return {.alpha = alpha_, .omega = exact ? 0.0 : tpc::none, .values = child_.constants().values};
  }
  std::uint64_t max_payload() const { return child_.max_payload(); }

  void encode(const tpc::Context& context, std::span<const T> v, tpc::Writer& out) {
    out.put(child_.encode(context, v));
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context& context, tpc::Reader& in, Sum& out) const {
    return child_.accumulate(context, in.take_rest(), out.scaled(alpha_));
  }

 private:
  tpc::Child<T> child_;
  double alpha_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<Scaled>);
