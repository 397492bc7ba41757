// A compressor that lives outside the threepc tree.
#include <threepc/sdk.hpp>

namespace {

struct MeanSquareOptions {
  double tau = 0.5;
};

/// Hard threshold relative to the norm: C(v) keeps the coordinates with v_j^2 >= (tau/d) ||v||^2 and drops the
/// rest. Each of the at most d dropped coordinates has v_j^2 < (tau/d) ||v||^2, so ||C(v) - v||^2 <= tau ||v||^2
/// and alpha = 1 - tau. Unlike Top-K it sends few coordinates of a peaked vector and many of a flat one.
///
/// Payload: for every kept coordinate its index (32 bits, ascending) and its value.
template <class T>
class MeanSquare {
 public:
  static constexpr tpc::About about = {
      .id = "mean_square", .version = "1.0.0", .summary = "Keeps the coordinates with v_j^2 >= (tau/d) ||v||^2."};
  static constexpr auto params = tpc::params(
      tpc::param<&MeanSquareOptions::tau>("tau", "share of the mean square below which a coordinate is dropped",
                                          {.minimum = 0, .maximum = 0.999, .above_minimum = true}));

  MeanSquare(const MeanSquareOptions& options, const tpc::Setup& setup) : tau_(options.tau), dim_(setup.dim()) {}

  tpc::Constants constants() const { return {.alpha = 1 - tau_}; }
  std::uint64_t max_payload() const { return std::uint64_t{dim_} * (sizeof(std::uint32_t) + sizeof(T)); }

  void encode(const tpc::Context&, std::span<const T> v, tpc::Writer& out) const {
    const double bound = tau_ / dim_ * tpc::norm_sq(v);
    for (std::uint32_t j = 0; j < dim_; ++j) {
      if (v[j] == 0 || double{v[j]} * double{v[j]} < bound) continue;
      out.put(j);
      out.put(v[j]);
    }
  }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    std::uint64_t values = 0;
    for (std::uint64_t next = 0; in.remaining() > 0; ++values) {
      const auto j = in.get<std::uint32_t>();
      if (j < next || j >= dim_) throw tpc::Corrupt(tpc::text("index ", j, " is not in ", next, " .. ", dim_, " - 1"));
      out.add(j, in.get<T>());
      next = std::uint64_t{j} + 1;
    }
    return values;
  }

 private:
  double tau_;
  std::uint32_t dim_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<MeanSquare>);
