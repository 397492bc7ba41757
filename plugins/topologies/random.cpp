// A random directed graph that is strongly connected: a ring, and other links by chance.
#include <optional>
#include <threepc/sdk.hpp>

namespace {

struct RandomOptions {
  double probability = 0.15;
};

class RandomGraph {
 public:
  static constexpr tpc::About about = {
      .id = "random",
      .version = "1.0.0",
      .summary = "A directed ring and each other link with a probability, drawn from the run's seed: irregular."};
  static constexpr auto params = tpc::params(tpc::param<&RandomOptions::probability>(
      "probability", "of each link that is not of the ring", {.minimum = 0, .maximum = 1}));

  RandomGraph(const RandomOptions& options, const tpc::Setup& setup)
      : options_(options), workers_(setup.workers()), host_(&setup.host()), context_(setup.first_round()) {}

  std::vector<tpc::Link> links() const {
    tpc::Random random(*host_, context_, tpc::Scope::shared_by_workers);
    std::vector<tpc::Link> out;
    for (std::uint32_t from = 0; from < workers_; ++from)
      for (std::uint32_t to = 0; to < workers_; ++to)
        if (from != to && (random.uniform() < options_.probability || to == (from + 1) % workers_))
          out.push_back({from, to});
    return out;
  }

 private:
  RandomOptions options_;
  std::uint32_t workers_;
  const tpc_host* host_;
  tpc_context context_;
};

}  // namespace

THREEPC_PLUGINS(tpc::topology<RandomGraph>);
