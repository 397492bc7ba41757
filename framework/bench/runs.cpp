#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include "bench/machine.hpp"
#include "bench/parts.hpp"
#include "record/json.hpp"
#include "runtime/run.hpp"

namespace threepc::bench {
namespace fs = std::filesystem;
namespace {

/// A folder for one run after another, removed at the end.
class Scratch {
 public:
  Scratch() : path_((fs::temp_directory_path() / "threepc-bench-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) throw std::system_error(errno, std::generic_category(), "make " + path_);
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

Json json_of(const std::string& file) {
  std::ifstream in(file);
  return parse_json(std::string(std::istreambuf_iterator<char>(in), {}));
}

/// What came of a run.
struct Outcome {
  Json summary, profile;
  double rounds() const { return summary.at("round").get<double>() + 1; }
  double seconds() const { return profile.at("seconds").get<double>(); }
  static double of(const Json& member, const char* phase) {
    return member.is_null() ? 0 : member.at(phase).at("seconds").get<double>();
  }
  /// Of the busiest worker, then the server: who cannot work at the same time.
  double computing() const {
    double worker = 0;
    for (const Json& each : profile.at("workers"))
      worker = std::max(worker, of(each, "gradient") + of(each, "encode") + of(each, "step"));
    return worker + of(profile.at("server"), "absorb") + of(profile.at("server"), "step");
  }
};

Outcome run_of(const Scratch& scratch, const std::string& config, const std::vector<std::string>& set) {
  RunOptions options;
  options.config = config;
  options.set = set;
  options.out = scratch / "run";
  options.force = options.quiet = options.profile = options.alone = true;
  threepc::run(options);
  return {json_of(options.out + "/summary.json"), json_of(options.out + "/profile.json")};
}

std::string written(const Scratch& scratch, const std::string& text) {
  const std::string file = scratch / "run.toml";
  std::ofstream(file) << text;
  return file;
}

std::string plain_run(const char* transport, unsigned workers, unsigned dim, unsigned rounds) {
  return "[run]\nrounds = " + std::to_string(rounds) + "\nevaluate = \"off\"\n[checkpoint]\nat_end = false\n" +
         "[workers]\ncount = " + std::to_string(workers) +
         "\n[problem]\nplugin = \"quadratic\"\ndim = " + std::to_string(dim) +
         "\n[mechanism]\nplugin = \"gd\"\n[optimizer]\nplugin = \"gd\"\nstepsize = 1e-3\n" +
         "[downlink]\nreplay = false\n[transport]\nplugin = \"" + transport + "\"\n";
}

Row over(const Scratch& scratch, const char* transport, unsigned large) {
  constexpr unsigned rounds = 500, few = 8;
  Row row{transport, {}};
  for (const unsigned workers : {1U, 10U}) {
    const Outcome small = run_of(scratch, written(scratch, plain_run(transport, workers, 4, rounds)), {});
    row.values.push_back(small.seconds() / small.rounds() * 1e6);
  }
  const Outcome big = run_of(scratch, written(scratch, plain_run(transport, 1, large, few)), {});
  const double moved = 2.0 * sizeof(double) * large * big.rounds();
  row.values.push_back(moved / std::max(1e-9, big.seconds() - big.computing()) * 1e-9);
  return row;
}

}  // namespace

Table bench_transports(const BenchOptions& options) {
  const Scratch scratch;
  const auto large = static_cast<unsigned>(std::max(1.0, options.megabytes * 1e6 / sizeof(double)));  // values
  char size[32];
  std::snprintf(size, sizeof size, "%g", options.megabytes);
  Table table{std::string("transports: an empty round, and messages of ") + size + " MB",
              {"us, n = 1", "us, n = 10", "GB/s"},
              {}};
  for (const char* transport : {"inproc", "shm", "tcp"}) table.rows.push_back(over(scratch, transport, large));
  const std::size_t bytes = sizeof(double) * large;
  table.rows.push_back(
      {"(memcpy)", {NAN, NAN, static_cast<double>(bytes) / copy_seconds(bytes, options.seconds) * 1e-9}});
  return table;
}

Table bench_round(const BenchOptions& options) {
  const Scratch scratch;
  std::string config = options.config;
  if (config.empty()) {
    config = written(scratch,
                     "[run]\nname = \"round\"\nrounds = 500\nevaluate = \"off\"\n[workers]\ncount = 10\n[problem]\n"
                     "plugin = \"quadratic\"\ndim = 10000\n[mechanism]\nplugin = \"ef21\"\ncompressor = { plugin = "
                     "\"topk\", k = 100 }\n[optimizer]\nplugin = \"gd\"\nstepsize = 1e-2\n");
  }
  Table table{"rounds", {"rounds/s", "if free/s", "computing %"}, {}};
  const std::string name = options.config.empty() ? "quadratic, d = 10000, n = 10, ef21 + topk 1 %" : options.config;
  for (const char* transport : {"inproc", "shm", "tcp"}) {
    std::vector<std::string> set = options.set;
    set.push_back(std::string("transport.plugin=") + transport);
    const Outcome outcome = run_of(scratch, config, set);
    table.rows.push_back({name + ", " + transport,
                          {outcome.rounds() / outcome.seconds(), outcome.rounds() / outcome.computing(),
                           100 * outcome.computing() / outcome.seconds()}});
  }
  return table;
}

}  // namespace threepc::bench
