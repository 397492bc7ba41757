#include <array>
#include <cmath>
#include <threepc/sdk.hpp>
#include <vector>

namespace {

/// C1 after C2: the selector C2 chooses K of the d coordinates (and scales them, if it does), the compressor of
/// values C1 is applied to these K numbers. With f32 values Top-K after natural compression sends 9 bits and an
/// index for each.
///
/// Constants, with C2 = a projection for a contractive selector: ||C2(v)||^2 + ||C2(v) - v||^2 = ||v||^2, so
/// E||C1(C2(v)) - v||^2 <= ||v||^2 - alpha_1 ||C2(v)||^2 <= (1 - alpha_1 alpha_2) ||v||^2. An unbiased C1 gives
/// alpha = alpha_2 (1 - omega_1) for omega_1 < 1. Two unbiased ones are unbiased, 1 + omega = (1 + omega_1)
/// (1 + omega_2) (Beznosikov et al. 2023, Theorem 3). With a selector whose workers depend on each other and a C1
/// whose do not, C1's error adds omega_1 (1 + omega_2) / n to the joint constant.
///
/// Payload: what the selector sends beside its values (its indices), then the payload of C1.
template <class T>
class Compose {
 public:
  static constexpr tpc::About about = {
      .id = "compose",
      .version = "1.0.0",
      .summary = "Compresses the values that a sparsifier keeps: Top-K with natural, quantised or narrower values.",
      .paper =
          "Beznosikov et al., On Biased Compression for Distributed Learning, JMLR 2023, arXiv 2002.12410; Basu et "
          "al., Qsparse-local-SGD, NeurIPS 2019, arXiv 1906.02367",
      .theory = "alpha = alpha_values alpha_selector; omega = (1 + omega_values)(1 + omega_selector) - 1"};
  static constexpr auto params = tpc::params();
  static constexpr std::array slots = {
      tpc::compressor_slot("selector", tpc::Accepts::any, "C2, what chooses coordinates: topk, randk, permk"),
      tpc::compressor_slot("values", tpc::Accepts::any, "C1, what compresses the chosen values")};

  Compose(const tpc::NoOptions&, const tpc::Setup& setup)
      : workers_(setup.workers()),
        selector_(setup, 0, setup.dim()),
        kept_(count(selector_)),
        values_(setup, 1, kept_),
        chosen_(kept_) {
    beside_ = selector_.max_payload() - kept_ * sizeof(T);
    const tpc::Constants c = constants();
    if (std::isnan(c.alpha) && std::isnan(c.omega))
      throw tpc::Error(TPC_INVALID_ARGUMENT,
                       "this pair is neither contractive nor unbiased: give an unbiased selector (randk) unbiased "
                       "values, or a contractive selector (topk) contractive values or unbiased ones with omega < 1");
  }

  tpc::Constants constants() const {
    const tpc::Constants c1 = values_.constants(), c2 = selector_.constants();
    const double by_values = std::isnan(c1.alpha) ? 1 - c1.omega : std::fmax(c1.alpha, 1 - c1.omega);
    const double alpha = c2.alpha * by_values;
    const bool independent = std::isnan(c2.joint_A);
    return {.alpha = alpha > 0 ? alpha : tpc::none,
            .omega = (1 + c1.omega) * (1 + c2.omega) - 1,
            .joint_A = independent ? tpc::none : c2.joint_A + c1.omega * (1 + c2.omega) / workers_,
            .joint_B = independent ? tpc::none : c2.joint_B,
            .values = c1.values};
  }
  std::uint64_t max_payload() const { return beside_ + values_.max_payload(); }

  void encode(const tpc::Context& context, std::span<const T> v, tpc::Writer& out) {
    const auto payload = selector_.encode(context, v);
    read_chosen(payload);
    out.put(payload.subspan(payload.size() - beside_));
    out.put(values_.encode(context, chosen_));
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context& context, tpc::Reader& in, Sum& out) {
    const auto beside = in.take_span(beside_);
    const std::uint64_t values = values_.decode(context, in.take_rest(), chosen_);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(chosen_.data());
    rebuilt_.assign(bytes, bytes + kept_ * sizeof(T));
    rebuilt_.insert(rebuilt_.end(), beside.begin(), beside.end());
    selector_.accumulate(context, rebuilt_, out.scaled(1));
    return values;
  }

 private:
  static std::uint32_t count(const tpc::Child<T>& selector) {
    const double values = selector.constants().values;
    if ((selector.capabilities() & TPC_VALUES_FIRST) == 0 || std::isnan(values))
      throw tpc::Error(TPC_INVALID_ARGUMENT,
                       "the selector must keep the same number of coordinates in every message; use topk, randk, or "
                       "permk where n divides d");
    return static_cast<std::uint32_t>(values);
  }

  void read_chosen(std::span<const std::uint8_t> payload) {
    tpc::Reader in(payload.data(), payload.size());
    const auto values = in.take<T>(kept_);
    for (std::uint32_t i = 0; i < kept_; ++i) chosen_[i] = values[i];
  }

  std::uint32_t workers_;
  tpc::Child<T> selector_;
  std::uint32_t kept_;  // K
  tpc::Child<T> values_;
  std::uint64_t beside_ = 0;  // bytes of the selector's payload after its values
  std::vector<T> chosen_;
  std::vector<std::uint8_t> rebuilt_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<Compose>);
