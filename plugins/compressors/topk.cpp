#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <threepc/sdk.hpp>
#include <vector>

#include "positions.hpp"
#include "sparse_size.hpp"

namespace {

constexpr const char* scopes[] = {"vector", "block", "layer"};

struct TopKOptions {
  std::optional<std::int64_t> k;
  std::optional<double> fraction;
  std::optional<std::int64_t> bits;
  std::string_view per = "vector";
  std::optional<std::int64_t> block_size;
};

/// Consecutive coordinates of which the K largest are kept.
struct Part {
  std::uint32_t begin;
  std::uint32_t size;
  std::uint32_t k = 0;
  std::uint64_t last = 0;   // of select_largest
  std::uint64_t first = 0;  // among the values of all parts
};

/// The parts of the vector that each keep their own largest coordinates: one, blocks of equal size (the last may be
/// shorter), or the matrices of the problem.
std::vector<Part> parts_of(const TopKOptions& options, const tpc::Setup& setup) {
  const bool in_blocks = options.per == scopes[1];
  if (in_blocks != options.block_size.has_value())
    throw tpc::BadParameter("block_size", in_blocks ? "per = \"block\" needs block_size, the coordinates of a block"
                                                    : "block_size is for per = \"block\" only; leave it out");
  std::vector<Part> parts;
  const auto append = [&](std::uint64_t size) {
    const std::uint32_t begin = parts.empty() ? 0 : parts.back().begin + parts.back().size;
    if (size > 0)
      parts.push_back({begin, static_cast<std::uint32_t>(std::min<std::uint64_t>(size, setup.dim() - begin))});
  };
  if (options.per == scopes[2]) {
    for (const tpc::Block& block : setup.blocks()) append(block.size());
  } else {
    const std::uint64_t size = in_blocks ? *options.block_size : setup.dim();
    for (std::uint64_t begin = 0; begin < setup.dim(); begin += size) append(size);
  }
  return parts;
}

/// The positions in each part; parts of one size and one K share theirs.
std::vector<Positions> positions_of(const std::vector<Part>& parts) {
  std::vector<Positions> out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool as_before = i > 0 && parts[i].k == parts[i - 1].k && parts[i].size == parts[i - 1].size;
    out.push_back(as_before ? Positions(out.back()) : Positions(parts[i].k, parts[i].size));
  }
  return out;
}

/// Gaps of any part are whole bytes, before the bit fields of the others.
std::uint64_t positions_bytes(const std::vector<Positions>& positions) {
  std::uint64_t bits = 0;
  for (const Positions& of_part : positions) bits += of_part.bits();
  return tpc::packed_bytes(bits, 1);
}

std::uint64_t payload_bytes(const std::vector<Part>& parts, std::size_t value_size) {
  std::uint64_t values = 0;
  for (const Part& part : parts) values += part.k;
  return values * value_size + positions_bytes(positions_of(parts));
}

/// Gives each part its share of K of the d coordinates, rounded up.
void share_out(std::uint32_t k, std::uint32_t dim, std::vector<Part>& parts) {
  for (Part& part : parts) part.k = static_cast<std::uint32_t>((std::uint64_t{k} * part.size + dim - 1) / dim);
}

/// The parts with their K: k in each (all of a part that is smaller), a fraction of each, or equal shares of what
/// the budget allows.
std::vector<Part> sized_parts(const TopKOptions& options, const tpc::Setup& setup, std::size_t value_size) {
  require_one_size(options);
  std::vector<Part> parts = parts_of(options, setup);
  if (options.k) {
    std::uint32_t largest = 0;
    for (const Part& part : parts) largest = std::max(largest, part.size);
    const bool whole = options.per == scopes[0];
    const std::uint32_t k =
        counted_size(*options.k, largest, whole ? "the dimension d" : "the size of the largest part");
    for (Part& part : parts) part.k = std::min(k, part.size);
  } else if (options.fraction) {
    for (Part& part : parts) part.k = fraction_size(*options.fraction, part.size);
  } else {
    const auto bits_of = [&](std::uint32_t k) {
      share_out(k, setup.dim(), parts);
      return 8 * payload_bytes(parts, value_size);
    };
    share_out(budgeted_size(*options.bits, setup.dim(), bits_of), std::max(1u, setup.dim()), parts);
  }
  return parts;
}

/// Top-K keeps the K coordinates of largest magnitude; of two that are equal, the lower index. alpha = K/d. Applied to
/// parts of the vector one by one, alpha is the least K/d of a part.
///
/// Payload: the kept values in the order of their indices, then the positions in each part: first of all parts that
/// have them as gaps, then of the others.
template <class T>
class TopK {
 public:
  static constexpr tpc::About about = {
      .id = "topk",
      .version = "2.0.0",
      .summary =
          "Keeps the K coordinates of largest magnitude; sends their values and, in about log2 C(d, K) bits, where.",
      .paper = "Alistarh et al., The Convergence of Sparsified Gradient Methods, NeurIPS 2018, arXiv 1809.10505",
      .theory = "alpha = K/d; per part: the least K_b/d_b",
      .capabilities = TPC_VALUES_FIRST};
  static constexpr auto params = tpc::params(
      k_param<TopKOptions>(), fraction_param<TopKOptions>(), bits_param<TopKOptions>(),
      tpc::param<&TopKOptions::per>("per",
                                    "where K counts: the vector, each block of block_size coordinates, or each "
                                    "matrix of the problem (layer); parts are cheaper to index and none starves",
                                    {.choices = scopes}),
      tpc::param<&TopKOptions::block_size>("block_size", "coordinates of a block, with per = \"block\"",
                                           {.unit = "coordinates", .minimum = 1}));

  TopK(const TopKOptions& options, const tpc::Setup& setup)
      : parts_(sized_parts(options, setup, sizeof(T))), positions_(positions_of(parts_)) {
    for (Part& part : parts_) {
      part.first = values_;
      values_ += part.k;
    }
    indices_.resize(values_);
  }

  tpc::Constants constants() const {
    double alpha = 1;
    for (const Part& part : parts_) alpha = std::min(alpha, double(part.k) / part.size);
    return {.alpha = alpha, .values = double(values_)};
  }
  std::uint64_t max_payload() const { return values_ * sizeof(T) + positions_bytes(positions_); }

  void encode(const tpc::Context&, const tpc::Difference<T>& v, tpc::Writer& out) {
    for (Part& part : parts_) {
      const auto kept = indices_of(part);
      tpc::select_largest(v.part(part.begin, part.size), kept, &part.last);
      for (const std::uint32_t i : kept) out.put(v[part.begin + i]);
    }
    in_order_of_payload(
        [&](const Part& part, const Positions& positions) { positions.write(indices_of(part), scratch_, out); });
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    const auto values = in.take<T>(values_);
    in_order_of_payload([&](const Part& part, const Positions& positions) {
      positions.read(in, [&](std::uint32_t j, std::uint32_t i) { out.add(part.begin + i, values[part.first + j]); });
    });
    in.flush_bits();
    return values_;
  }

 private:
  std::span<std::uint32_t> indices_of(const Part& part) { return std::span(indices_).subspan(part.first, part.k); }

  template <class Visit>
  void in_order_of_payload(Visit visit) const {
    for (const bool packed : {false, true})
      for (std::size_t i = 0; i < parts_.size(); ++i)
        if (positions_[i].packed() == packed) visit(parts_[i], positions_[i]);
  }

  std::vector<Part> parts_;
  std::vector<Positions> positions_;
  std::uint64_t values_ = 0;            // kept in all parts
  std::vector<std::uint32_t> indices_;  // within their parts
  Positions::Scratch scratch_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<TopK>);
