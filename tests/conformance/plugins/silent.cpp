// A compressor that sends nothing, as an absolute threshold does when all is below it: alpha = 0.
#include <threepc/sdk.hpp>

namespace {

template <class T>
class Silent {
 public:
  static constexpr tpc::About about = {.id = "silent", .version = "1.0.0", .summary = "Sends nothing: C(v) = 0."};
  static constexpr auto params = tpc::params();

  Silent(const tpc::NoOptions&, const tpc::Setup&) {}

  tpc::Constants constants() const { return {.alpha = 0}; }
  std::uint64_t max_payload() const { return 0; }
  void encode(const tpc::Context&, std::span<const T>, tpc::Writer&) {}
  template <class Sum>
  std::uint64_t accumulate(const tpc::Context&, tpc::Reader&, Sum&) const {
    return 0;
  }
};

}  // namespace

THREEPC_PLUGINS(tpc::compressor<Silent>);
