#include "plugin/mechanism.hpp"

#include <cmath>

#include "plugin/checked_calls.hpp"

namespace threepc {

Mechanism::Mechanism(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_mechanism>();
}

tpc::Constants Mechanism::constants(const std::vector<tpc::Constants>& children) const {
  std::vector<tpc_constants> items;
  for (const tpc::Constants& c : children) items.push_back(tpc::detail::to_raw(c));
  std::vector<const tpc_constants*> pointers;
  for (const tpc_constants& item : items) pointers.push_back(&item);
  tpc_constants c = tpc::detail::to_raw({});
  checked("constants",
          [&](tpc_error* error) { return table<tpc_mechanism>().constants(self_, pointers.data(), &c, error); });
  if (std::isnan(c.A) != std::isnan(c.B)) misbehaved("it declares one of A and B without the other");
  if (!std::isnan(c.A) && !(c.A > 0 && c.A <= 1)) misbehaved("A = " + std::to_string(c.A) + " is outside (0, 1]");
  if (!std::isnan(c.B) && !(c.B >= 0 && std::isfinite(c.B)))
    misbehaved("B = " + std::to_string(c.B) + " is not a finite number >= 0");
  if (!std::isnan(c.B_spread) && !(c.B_spread >= 0 && c.B_spread <= c.B))
    misbehaved("B_spread = " + std::to_string(c.B_spread) + " is outside [0, B]");
  if (!std::isnan(c.keep) && !(c.keep >= 0 && c.keep <= 1))
    misbehaved("keep = " + std::to_string(c.keep) + " is outside [0, 1]");
  return tpc::detail::from_raw(c);
}

void Mechanism::propose(const tpc_context& context, const tpc_points& points, tpc_program& program) const {
  checked(
      "propose",
      [&](tpc_error* error) { return table<tpc_mechanism>().propose(self_, &context, &points, &program, error); },
      &context);
}

}  // namespace threepc
