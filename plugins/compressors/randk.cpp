#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <threepc/sdk.hpp>
#include <vector>

#include "sparse_size.hpp"

namespace {

struct RandKOptions {
  std::optional<std::int64_t> k;
  std::optional<double> fraction;
  std::optional<std::int64_t> bits;
  bool scaled = true;
};

/// Rand-K keeps K coordinates chosen uniformly. Scaled by d/K it is unbiased with omega = d/K - 1; unscaled
/// (Crand-K) it is contractive with alpha = K/d in expectation.
///
/// Payload: the K values. The indices are drawn from this worker's stream of the round, which the decoder
/// draws again, so they cost nothing.
template <class T>
class RandK {
 public:
  static constexpr tpc::About about = {
      .id = "randk",
      .version = "1.0.0",
      .summary = "Keeps K coordinates chosen at random from the shared seed; sends their values only.",
      .paper = "Beznosikov et al., On Biased Compression for Distributed Learning, JMLR 2023, arXiv 2002.12410",
      .theory = "scaled: omega = d/K - 1; unscaled: alpha = K/d",
      .capabilities = TPC_VALUES_FIRST};
  static constexpr auto params = tpc::params(
      k_param<RandKOptions>(), fraction_param<RandKOptions>(), bits_param<RandKOptions>(),
      tpc::param<&RandKOptions::scaled>("scaled", "true: times d/K, unbiased; false: as they are, contractive"));

  RandK(const RandKOptions& options, const tpc::Setup& setup)
      : dim_(setup.dim()),
        k_(resolve_size(options, dim_, [](std::uint32_t k) { return std::uint64_t{k} * sizeof(T) * 8; })),
        scaled_(options.scaled),
        scale_(scaled_ && k_ > 0 ? T(double(dim_) / k_) : T(1)) {}

  tpc::Constants constants() const {
    const double share = dim_ == 0 ? 1.0 : double(k_) / dim_;
    tpc::Constants c = {.values = double(k_)};
    if (!scaled_ || k_ == dim_) c.alpha = share;
    if (scaled_ || k_ == dim_) c.omega = 1 / share - 1;
    return c;
  }
  std::uint64_t max_payload() const { return std::uint64_t{k_} * sizeof(T); }

  void encode(const tpc::Context& context, tpc::Difference<T> v, tpc::Writer& out) {
    for (const std::uint32_t i : draw(context)) out.put(T(v[i] * scale_));
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context& context, tpc::Reader& in, Sum& out) {
    const auto values = in.take<T>(k_);
    std::size_t next = 0;
    for (const std::uint32_t i : draw(context)) out.add(i, values[next++]);
    return k_;
  }

 private:
  /// K distinct indices, ascending (Floyd's sampling, Bentley and Floyd 1987): for j = d-K .. d-1 a uniform
  /// choice from 0..j joins the set, or j itself when that choice is in it already.
  const std::vector<std::uint32_t>& draw(const tpc::Context& context) {
    tpc::Random random = context.random(tpc::Scope::own);
    member_.resize(dim_);
    indices_.clear();
    for (std::uint32_t j = dim_ - k_; j < dim_; ++j) {
      const std::uint32_t choice = random.below(j + 1);
      indices_.push_back(member_[choice] ? j : choice);
      member_[indices_.back()] = true;
    }
    for (const std::uint32_t i : indices_) member_[i] = false;
    std::sort(indices_.begin(), indices_.end());
    return indices_;
  }

  std::uint32_t dim_;
  std::uint32_t k_;
  bool scaled_;
  T scale_;
  std::vector<bool> member_;  // all false between calls
  std::vector<std::uint32_t> indices_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<RandK>);
