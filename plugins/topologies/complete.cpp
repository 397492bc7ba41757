// The complete graph.
#include <threepc/sdk.hpp>

namespace {

class Complete {
 public:
  static constexpr tpc::About about = {
      .id = "complete", .version = "1.0.0", .summary = "Every worker sends to every other: n (n - 1) links."};
  static constexpr auto params = tpc::params();

  Complete(const tpc::NoOptions&, const tpc::Setup& setup) : workers_(setup.workers()) {}

  std::vector<tpc::Link> links() const {
    std::vector<tpc::Link> out;
    for (std::uint32_t from = 0; from < workers_; ++from)
      for (std::uint32_t to = 0; to < workers_; ++to)
        if (from != to) out.push_back({from, to});
    return out;
  }

 private:
  std::uint32_t workers_;
};

}  // namespace

THREEPC_PLUGINS(tpc::topology<Complete>);
