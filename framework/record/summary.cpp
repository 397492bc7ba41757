#include "record/summary.hpp"

#include "record/json.hpp"
#include "version.hpp"

namespace threepc {

std::string to_json_text(const Summary& s) {
  Json json = to_json(s.last);
  json["evaluation_bits_per_worker"] = s.last.evaluation_bits_per_worker;
  json["stopped_by"] = s.stopped_by;
  json["stepsize"] = number_or_null(s.stepsize);
  json["multiplier"] = s.multiplier;
  json["A"] = number_or_null(s.A);
  json["B"] = number_or_null(s.B);
  json["L_minus"] = number_or_null(s.L_minus);
  json["L_plus"] = number_or_null(s.L_plus);
  json["dim"] = s.dim;
  json["workers"] = s.workers;
  json["worker_losses"] = s.worker_losses;
  json["x_hash"] = s.x_hash;
  json["threepc_version"] = version();
  json["plugins"] = Json::array();
  for (const Summary::Plugin& p : s.plugins)
    json["plugins"].push_back({{"place", p.place}, {"kind", p.kind}, {"id", p.id}, {"version", p.version}});
  json["transport"] = s.transport;
  return to_text(json, 2) + "\n";
}

}  // namespace threepc
