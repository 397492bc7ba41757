#include "members/attack.hpp"

#include <cmath>
#include <threepc/sdk/context.hpp>
#include <vector>

#include "plugin/host_services.hpp"
#include "plugin/streams.hpp"
#include "vector/arithmetic.hpp"

namespace threepc {
namespace {

void add_noise(double deviation, tpc_context context, std::vector<double>& v) {
  context.stream = streams::attack;
  tpc::Random random(host_services(), context, tpc::Scope::own);
  for (double& value : v) value += deviation * random.normal();
}

}  // namespace

RawVector attacked(const RawVector& g, const Injection& attack, tpc_context context) {
  std::vector<double> v(g.dim());
  const bool noise = attack.attack == Injection::Attack::noise;
  add_scaled(noise ? 1 : attack.attack == Injection::Attack::large ? attack.size : -attack.size, g, v);
  if (noise) add_noise(attack.size * std::sqrt(norm_sq(g) / g.dim()), context, v);
  RawVector out = g;
  round_scaled(1, v, out);
  return out;
}

}  // namespace threepc
