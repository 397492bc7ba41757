// The identity: C(v) = v, d values on the wire. The reference point of every comparison, and what turns
// CLAG into LAG.
#include <threepc/sdk.hpp>

namespace {

template <class T>
class Identity {
 public:
  static constexpr tpc::About about = {.id = "identity",
                                       .version = "1.0.0",
                                       .summary = "Sends the vector as it is: d values, alpha = 1, omega = 0.",
                                       .theory = "alpha = 1, omega = 0",
                                       .capabilities = TPC_VALUES_FIRST};
  static constexpr auto params = tpc::params();

  Identity(const tpc::NoOptions&, const tpc::Setup& setup) : dim_(setup.dim()) {}

  tpc::Constants constants() const { return {.alpha = 1, .omega = 0, .values = double(dim_)}; }
  std::uint64_t max_payload() const { return std::uint64_t{dim_} * sizeof(T); }

  void encode(const tpc::Context&, std::span<const T> v, tpc::Writer& out) { out.put(v); }

  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    const auto values = in.take<T>(dim_);
    out.add_run(0, dim_, [&](std::size_t i) { return values[i]; });
    return dim_;
  }

 private:
  std::uint32_t dim_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<Identity>);
