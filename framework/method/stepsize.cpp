#include "method/stepsize.hpp"

#include <algorithm>
#include <cmath>

namespace threepc {
namespace {

[[noreturn]] void no_theory(const std::string& why) {
  throw Failure(Exit::usage, "no step size follows from theory: " + why +
                                 "; give [optimizer] stepsize a number instead of \"theory\"");
}

void require_theory(const RunConfig& config, const Compression& up, const Compression* down, const Smoothness& known) {
  if (config.batch || config.momentum < 1)
    no_theory(std::string("it speaks of exact gradients, and this run has ") +
              (config.batch ? "[workers] batch" : "[mechanism] momentum"));
  if (config.participation < 1)
    no_theory("it speaks of rounds in which all workers take part, and this run has [workers] participation");
  if ((config.optimizer.descriptor->capabilities & TPC_GRADIENT_STEP) == 0)
    no_theory("it speaks of steps x - gamma g, and the optimizer '" + std::string(config.optimizer.descriptor->id) +
              "' makes others");
  for (const Compression* link : {&up, down})
    if (link != nullptr && std::isnan(link->constants.A))
      no_theory("the " + link->name + " has no known constants A and B");
  if (down != nullptr && config.mu) no_theory("[optimizer] mu belongs to runs without a mechanism in [downlink]");
  if (std::isnan(known.L_plus))
    no_theory("the problem '" + std::string(config.problem.descriptor->id) + "' knows no smoothness constants");
}

double square(double x) { return x * x; }

double one_way(const RunConfig& config, const tpc::Constants& up, const Smoothness& known) {
  const double shared = std::isnan(up.B_spread) || std::isnan(known.spread) ? 0 : up.B_spread;
  const double error =
      ((up.B - shared) * square(known.L_plus) + (shared > 0 ? shared * square(known.spread) : 0)) / up.A;
  const double general = 1 / (known.L_minus + std::sqrt((config.mu ? 2 : 1) * error));
  return config.mu ? std::min(general, up.A / (2 * *config.mu)) : general;
}

double both_ways(DownlinkConfig::Of of, const tpc::Constants& up, const tpc::Constants& down, const Smoothness& known) {
  const double L_plus_sq = square(known.L_plus);
  double M;
  if (of == DownlinkConfig::Of::gradient) {
    const double a = (1 + 3 * (2 - up.A) * down.B / down.A) / up.A;
    M = L_plus_sq * (a * up.B + 3 * (1 + up.B) * down.B / down.A);
  } else {
    const double error = L_plus_sq * up.B / up.A;
    const double c = (square(known.L_minus) + 3 * (2 - down.A) * error) / down.A;
    M = 3 * (1 + down.B) * error + c * down.B;
  }
  return 1 / (known.L_minus + std::sqrt(2 * M));
}

}  // namespace

double theoretical_stepsize(const RunConfig& config, const Compression& up, const Compression* down, Smoothness& known,
                            const std::function<double()>& find_L_minus) {
  require_theory(config, up, down, known);
  if (std::isnan(known.L_minus)) known.L_minus = find_L_minus();
  const bool loses = down != nullptr && down->constants.B > 0;  // otherwise it is as if there were none
  const double stepsize = !loses ? one_way(config, up.constants, known)
                                 : both_ways(config.downlink.of, up.constants, down->constants, known);
  if (!std::isfinite(stepsize)) no_theory("it is not finite, because L_minus and L_plus are 0");
  return stepsize;
}

}  // namespace threepc
