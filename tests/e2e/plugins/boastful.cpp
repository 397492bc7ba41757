// A compressor for the tests that halves every value and declares an alpha that is too large for it.
#include <threepc/sdk.hpp>

namespace {

template <class T>
class Boastful {
 public:
  static constexpr tpc::About about = {.id = "boastful", .version = "1.0.0", .summary = "Promises too much."};
  static constexpr auto params = tpc::params();
  Boastful(const tpc::NoOptions&, const tpc::Setup& setup) : dim_(setup.dim()) {}
  tpc::Constants constants() const { return {.alpha = 0.9}; }
  std::uint64_t max_payload() const { return dim_ * sizeof(T); }
  void encode(const tpc::Context&, tpc::Difference<T> v, tpc::Writer& out) {
    for (std::uint32_t i = 0; i < dim_; ++i) out.put(T(v[i] / 2));
  }
  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader& in, Sum& out) const {
    const auto values = in.take<T>(dim_);
    for (std::uint32_t i = 0; i < dim_; ++i) out.add(i, values[i]);
    return dim_;
  }

 private:
  std::uint32_t dim_;
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<Boastful>);
