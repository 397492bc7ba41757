#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <threepc/sdk.hpp>
#include <vector>

#include "sparse_size.hpp"

namespace {

struct TopKOptions {
  std::optional<std::int64_t> k;
  std::optional<double> fraction;
};

/// Top-K keeps the K coordinates of largest magnitude; of two that are equal, the lower index. alpha = K/d.
///
/// One pass over v in blocks. `kept_` is a heap of the K best so far with the worst on top; a block whose
/// largest magnitude does not beat that worst one cannot contribute, and almost all blocks are such, so the
/// pass runs at the speed of a maximum.
///
/// Payload: K values in the order of their indices, then the K indices of ceil(log2 d) bits each.
template <class T>
class TopK {
 public:
  static constexpr tpc::About about = {
      .id = "topk",
      .version = "1.0.0",
      .summary = "Keeps the K coordinates of largest magnitude; sends their values and indices.",
      .paper = "Alistarh et al., The Convergence of Sparsified Gradient Methods, NeurIPS 2018, arXiv 1809.10505",
      .capabilities = TPC_VALUES_FIRST};
  static constexpr auto params = tpc::params(k_param<TopKOptions>(), fraction_param<TopKOptions>());

  TopK(const TopKOptions& options, const tpc::Setup& setup)
      : dim_(setup.dim()), k_(resolve_size(options, dim_)), index_bits_(tpc::index_bits(dim_)) {
    kept_.reserve(k_);
  }

  tpc::Constants constants() const { return {.alpha = dim_ == 0 ? 1.0 : double(k_) / dim_, .values = double(k_)}; }
  std::uint64_t max_payload() const { return k_ * sizeof(T) + tpc::packed_bytes(k_, index_bits_); }

  void encode(const tpc::Context&, std::span<const T> v, tpc::Writer& out) {
    select(v);
    std::sort(kept_.begin(), kept_.end(), [](const Kept& a, const Kept& b) { return a.index < b.index; });
    for (const Kept& kept : kept_) out.put(v[kept.index]);
    for (const Kept& kept : kept_) out.put_bits(kept.index, index_bits_);
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    const auto values = in.take<T>(k_);
    for (std::uint32_t j = 0; j < k_; ++j) {
      const std::uint32_t index = in.get_bits(index_bits_);
      if (index >= dim_) throw tpc::Corrupt(tpc::text("index ", index, " in a vector of dimension ", dim_));
      out.add(index, values[j]);
    }
    in.flush_bits();
    return k_;
  }

 private:
  struct Kept {
    T magnitude;
    std::uint32_t index;
  };

  /// The order of Top-K: larger magnitude first, then lower index. As a heap's "less" it puts the worst on top.
  static bool better(const Kept& a, const Kept& b) {
    return a.magnitude > b.magnitude || (a.magnitude == b.magnitude && a.index < b.index);
  }

  void select(std::span<const T> v) {
    kept_.clear();
    for (std::uint32_t i = 0; i < k_; ++i) kept_.push_back({std::abs(v[i]), i});
    std::make_heap(kept_.begin(), kept_.end(), better);

    constexpr std::uint32_t block = 32;
    std::uint32_t i = k_;
    for (; i + block <= dim_; i += block)
      if (largest<block>(v.data() + i) > kept_.front().magnitude) offer(v, i, i + block);
    offer(v, i, dim_);
  }

  /// Candidates come in the order of their indices, so an equal magnitude never displaces an earlier one.
  void offer(std::span<const T> v, std::uint32_t begin, std::uint32_t end) {
    for (std::uint32_t i = begin; i < end; ++i) {
      const T magnitude = std::abs(v[i]);
      if (!(magnitude > kept_.front().magnitude)) continue;
      std::pop_heap(kept_.begin(), kept_.end(), better);
      kept_.back() = {magnitude, i};
      std::push_heap(kept_.begin(), kept_.end(), better);
    }
  }

  template <std::uint32_t count>
  static T largest(const T* v) {
    constexpr std::uint32_t lanes = 8;
    T best[lanes] = {};
    for (std::uint32_t i = 0; i < count; i += lanes)
      for (std::uint32_t lane = 0; lane < lanes; ++lane) {
        const T magnitude = std::abs(v[i + lane]);
        best[lane] = magnitude > best[lane] ? magnitude : best[lane];
      }
    T all = best[0];
    for (const T b : best) all = b > all ? b : all;
    return all;
  }

  std::uint32_t dim_;
  std::uint32_t k_;
  unsigned index_bits_;
  std::vector<Kept> kept_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<TopK>);
