// An optimizer for the tests: it says that its steps may be replayed, but from a round on those of one worker's process
// differ in the last bit.
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <threepc/sdk.hpp>

namespace {

struct WaywardOptions {
  std::int64_t who = 1;
  std::int64_t from = 5;
};

/// Whether this is the process of that worker.
bool is_process_of(std::int64_t worker) {
  std::ifstream file("/proc/self/cmdline");
  const std::string line{std::istreambuf_iterator<char>(file), {}};
  return line.find(std::string("--rank") + '\0' + std::to_string(worker) + '\0') != std::string::npos;
}

template <class T>
class Wayward {
 public:
  static constexpr tpc::About about = {.id = "wayward",
                                       .version = "1.0.0",
                                       .summary = "One worker's steps differ.",
                                       .capabilities = TPC_GRADIENT_STEP | TPC_REPLAYABLE};
  static constexpr auto params = tpc::params(tpc::param<&WaywardOptions::who>("who", "worker", {.minimum = 0}),
                                             tpc::param<&WaywardOptions::from>("from", "round", {.minimum = 0}));

  Wayward(const WaywardOptions& options, const tpc::Setup&)
      : is_wayward_(is_process_of(options.who)), from_(options.from) {}

  void step(const tpc::Context& context, std::span<const T> g, std::span<T> x, tpc::State<T>) {
    const T stepsize = static_cast<T>(context.stepsize());
    for (std::size_t j = 0; j < x.size(); ++j) x[j] -= stepsize * g[j];
    if (is_wayward_ && static_cast<std::int64_t>(context.round()) >= from_)
      x[0] = std::nextafter(x[0], std::numeric_limits<T>::infinity());
  }

 private:
  bool is_wayward_;
  std::int64_t from_;
};

}  // namespace

THREEPC_PLUGINS(tpc::optimizer<Wayward>);
