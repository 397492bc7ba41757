// The exponential graph: few links, and every worker is at most log2(n) of them away.
#include <threepc/sdk.hpp>

namespace {

class Exponential {
 public:
  static constexpr tpc::About about = {
      .id = "exponential",
      .version = "1.0.0",
      .summary = "Worker i sends to i + 1, i + 2, i + 4, ..., modulo n: log2(n) links each, and fast mixing.",
      .paper =
          "Assran, Loizou, Ballas, Rabbat, Stochastic Gradient Push for Distributed Deep Learning, 2019, "
          "arXiv 1811.10792"};
  static constexpr auto params = tpc::params();

  Exponential(const tpc::NoOptions&, const tpc::Setup& setup) : workers_(setup.workers()) {}

  std::vector<tpc::Link> links() const {
    std::vector<tpc::Link> out;
    for (std::uint64_t hop = 1; hop < workers_; hop *= 2)
      for (std::uint32_t i = 0; i < workers_; ++i) out.push_back({i, static_cast<std::uint32_t>((i + hop) % workers_)});
    return out;
  }

 private:
  std::uint32_t workers_;
};

}  // namespace

THREEPC_PLUGINS(tpc::topology<Exponential>);
