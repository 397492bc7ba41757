#include "run_folder.hpp"

#include "config/document.hpp"

namespace threepc::test {
namespace {

void write_unless_empty(const std::string& file, std::string_view text, const Folder& folder) {
  if (!text.empty()) folder.write(file, std::string(text));
}

}  // namespace

std::string metrics_line(int round, double grad_norm) {
  const nlohmann::ordered_json line = {{"round", round},
                                       {"f", grad_norm - 1},
                                       {"grad_norm", grad_norm},
                                       {"grad_norm_sq", grad_norm * grad_norm},
                                       {"uplink_floats_per_worker", 10 * (round + 1)},
                                       {"uplink_bits_per_worker", 640 * (round + 1)},
                                       {"downlink_bits_per_worker", 6400 * (round + 1)},
                                       {"wire_bytes", 900 * (round + 1)},
                                       {"skipped", round % 2},
                                       {"seconds", 0.01 * (round + 1)}};
  return line.dump() + "\n";
}

std::string write_run(const Folder& folder, const std::string& name, std::string_view config, std::string_view metrics,
                      std::string_view summary) {
  std::filesystem::create_directories(folder.path(name));
  write_unless_empty(name + "/config.toml", config, folder);
  write_unless_empty(name + "/metrics.jsonl", metrics, folder);
  write_unless_empty(name + "/summary.json", summary, folder);
  return folder.path(name);
}

std::string write_finished_run(const Folder& folder, const std::string& name, const std::string& run_name) {
  const std::string config =
      "[run]\nname = " + to_toml_text(run_name) + "\n[mechanism]\nplugin = \"ef21\"\ninit = \"gradient\"\n";
  const std::string metrics = metrics_line(0, 8) + metrics_line(1, 2) + metrics_line(2, 0.5);
  return write_run(folder, name, config, metrics, R"({"round": 2, "stopped_by": "rounds", "stepsize": 0.25})");
}

}  // namespace threepc::test
