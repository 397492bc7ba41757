#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>
#include <threepc/sdk.hpp>
#include <vector>

#include "norms.hpp"
#include "positions.hpp"

namespace {

enum class Rule { absolute, max, rms };
constexpr const char* rules[] = {"absolute", "max", "rms"};

struct ThresholdOptions {
  std::string_view rule = "rms";
  double tau = 0.5;
};

/// Hard threshold: keeps the coordinates with |v_j| >= tau r, drops the rest. What r is decides what can be promised:
///
/// - absolute: r = 1. Never increases the error, but may drop everything: alpha = 0.
/// - max: r = max |v_i|. At worst one coordinate is kept and d - 1 lie just below: alpha = 1 / (1 + (d-1) tau^2).
/// - rms: r = ||v|| / sqrt(d). At most d - 1 coordinates are dropped, each with less than (tau^2/d) ||v||^2:
///   alpha = 1 - tau^2 (d-1)/d.
///
/// Unlike Top-K it sends few coordinates of a peaked vector and many of a flat one.
///
/// Payload: nothing if no coordinate is kept; else their number (32 bits), their values, and their positions.
template <class T>
class Threshold {
 public:
  static constexpr tpc::About about = {
      .id = "threshold",
      .version = "2.0.0",
      .summary = "Keeps the coordinates that are large: absolutely, against the maximum, or against the mean square.",
      .paper =
          "Dutta et al., On the Discrepancy between the Theoretical Analysis and Practical Implementations of "
          "Compressed Communication for Distributed Deep Learning, AAAI 2020, arXiv 1911.08250",
      .theory = "as its rule guarantees; absolute: none known"};
  static constexpr auto params = tpc::params(
      tpc::param<&ThresholdOptions::rule>("rule",
                                          "what tau is a multiple of: absolute: 1; max: the largest magnitude; "
                                          "rms: ||v|| / sqrt(d). Only the last two guarantee a decrease",
                                          {.choices = rules}),
      tpc::param<&ThresholdOptions::tau>("tau", "smallest magnitude kept; at most 1 unless the rule is absolute",
                                         {.minimum = 0, .above_minimum = true}));

  Threshold(const ThresholdOptions& options, const tpc::Setup& setup)
      : dim_(setup.dim()), rule_(rule_named(options.rule)), tau_(options.tau) {
    if (rule_ != Rule::absolute && tau_ > 1)
      throw tpc::BadParameter("tau", tpc::text("tau = ", tau_, " drops everything with the rule ", options.rule,
                                               "; choose tau in (0, 1], or rule = \"absolute\""));
  }

  tpc::Constants constants() const {
    if (dim_ == 0) return {.alpha = 1};
    if (rule_ == Rule::absolute) return {.alpha = 0};
    if (rule_ == Rule::max) return {.alpha = 1 / (1 + (dim_ - 1.0) * tau_ * tau_)};
    return {.alpha = 1 - tau_ * tau_ * (dim_ - 1.0) / dim_};
  }
  std::uint64_t max_payload() const {
    return sizeof dim_ + std::uint64_t{dim_} * sizeof(T) + Positions::most_bytes(dim_);
  }

  void encode(const tpc::Context&, std::span<const T> v, tpc::Writer& out) {
    select(v);
    if (kept_.empty()) return;
    const auto count = static_cast<std::uint32_t>(kept_.size());
    out.put(count);
    for (const std::uint32_t i : kept_) out.put(v[i]);
    Positions(count, dim_).write(kept_, scratch_, out);
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    if (in.remaining() == 0) return 0;
    const auto count = in.get<std::uint32_t>();
    if (count == 0 || count > dim_) throw tpc::Corrupt(tpc::text(count, " coordinates kept, of ", dim_));
    const auto values = in.take<T>(count);
    Positions(count, dim_).read(in, [&](std::uint32_t j, std::uint32_t i) { out.add(i, values[j]); });
    in.flush_bits();
    return count;
  }

 private:
  static Rule rule_named(std::string_view name) {
    return name == rules[0] ? Rule::absolute : name == rules[1] ? Rule::max : Rule::rms;
  }

  /// NaN is kept, so that a diverged run is seen.
  void select(std::span<const T> v) {
    kept_.clear();
    const double bound = lower_bound(v);
    for (std::uint32_t i = 0; i < dim_; ++i)
      if (v[i] != 0 && !(std::abs(v[i]) < bound)) kept_.push_back(i);
  }

  double lower_bound(std::span<const T> v) const {
    if (rule_ == Rule::absolute) return tau_;
    const double largest = largest_magnitude(v);
    if (rule_ == Rule::max) return tau_ * largest;
    // Rounding must not lift the bound above the largest coordinate of a flat vector.
    return std::min(largest, tau_ * norm_two(v) / std::sqrt(double(dim_)));
  }

  std::uint32_t dim_;
  Rule rule_;
  double tau_;
  std::vector<std::uint32_t> kept_;
  Positions::Scratch scratch_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<Threshold>);
