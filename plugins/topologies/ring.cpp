// The directed ring: i sends to i + 1.
#include <threepc/sdk.hpp>

namespace {

struct RingOptions {
  bool both_ways = false;
};

class Ring {
 public:
  static constexpr tpc::About about = {
      .id = "ring", .version = "1.0.0", .summary = "Worker i sends to worker i + 1, the last to the first."};
  static constexpr auto params =
      tpc::params(tpc::param<&RingOptions::both_ways>("both_ways", "worker i sends to worker i - 1 as well"));

  Ring(const RingOptions& options, const tpc::Setup& setup) : options_(options), workers_(setup.workers()) {}

  std::vector<tpc::Link> links() const {
    std::vector<tpc::Link> out;
    if (workers_ < 2) return out;
    for (std::uint32_t i = 0; i < workers_; ++i) {
      const std::uint32_t next = (i + 1) % workers_;
      out.push_back({i, next});
      if (options_.both_ways && workers_ > 2) out.push_back({next, i});
    }
    return out;
  }

 private:
  RingOptions options_;
  std::uint32_t workers_;
};

}  // namespace

THREEPC_PLUGINS(tpc::topology<Ring>);
