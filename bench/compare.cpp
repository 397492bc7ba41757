// threepc_bench: the hand-written loop (A) and `threepc run` (B) on the same problem, A B A B ..., pair by pair,
// because two runs a minute apart see different machines. Beside them, what the hardware would allow.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "limits.hpp"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Options {
  std::string config = "bench/round_loop.toml";
  int pairs = 5;
  long rounds = 20000;
};

struct Outcome {
  double rounds_per_second, cpu_microseconds_per_round, f;
};

struct Spread {
  explicit Spread(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    minimum = values.front(), maximum = values.back();
    median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  }
  double minimum, median, maximum;
};

/// A folder for the files of this run, removed at the end.
class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path() / "threepc-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder at " + name);
    path_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// Runs it and returns the processor time that it took, all threads together, in seconds.
double execute(const std::string& command) {
  const auto used = [] {
    rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    const auto seconds = [](const timeval& t) { return double(t.tv_sec) + 1e-6 * double(t.tv_usec); };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  };
  const double before = used();
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  return used() - before;
}

Outcome outcome_in(const fs::path& file, double cpu_seconds) {
  std::ifstream in(file);
  const json result = json::parse(in);
  const double rounds = result.contains("round") ? result["round"] : result["rounds"];
  return {rounds / result["seconds"].get<double>(), 1e6 * cpu_seconds / rounds, result["f"]};
}

class Pairs {
 public:
  explicit Pairs(const Options& options) : options_(options), bin_(fs::read_symlink("/proc/self/exe").parent_path()) {}

  Outcome hand_written() const {
    const fs::path result = scratch_ / "loop.json";
    const double cpu = execute(quoted(bin_ / "round_loop") + " " + std::to_string(options_.rounds) + " " +
                               quoted(scratch_ / "scalars.json") + " > " + quoted(result));
    return outcome_in(result, cpu);
  }

  Outcome threepc() const {
    const fs::path out = scratch_ / "run";
    const double cpu =
        execute(quoted(bin_ / "threepc") + " run " + quoted(options_.config) + " --quiet --force --out " + quoted(out) +
                " --set run.rounds=" + std::to_string(options_.rounds) + " --set " +
                quoted("problem.scalars=\"" + (scratch_ / "scalars.json").string() + "\""));
    return outcome_in(out / "summary.json", cpu);
  }

 private:
  const Options& options_;
  fs::path bin_;
  Scratch scratch_;
};

/// The two sum in different orders, and a selection among near-equal magnitudes may then differ; what they
/// converge to does not.
void require_same_problem(const Outcome& loop, const Outcome& run) {
  constexpr double tolerance = 1e-3;
  if (std::abs(loop.f - run.f) > tolerance * std::abs(loop.f))
    throw std::runtime_error("the two do not compute the same: f is " + std::to_string(loop.f) + " and " +
                             std::to_string(run.f));
}

void print(const char* what, const Spread& s, const char* format) {
  std::printf("%-26s", what);
  for (const double value : {s.minimum, s.median, s.maximum}) std::printf(format, value);
  std::printf("\n");
}

/// What bounds any implementation that keeps h_i in memory: reading every h_i once, and the arithmetic.
double print_limits() {
  constexpr double workers = 100, dim = 1000;
  constexpr double bytes = workers * dim * sizeof(double);
  // Of the 8 operations a coordinate, 2 multiplications run beside 5 additions and the comparison.
  constexpr double additions = 6 * workers * dim;
  const double bandwidth = bench::read_bandwidth(static_cast<std::size_t>(bytes));
  const double rate = bench::additions();
  const double by_memory = bandwidth / bytes, by_arithmetic = rate / additions;
  std::printf("limit by bandwidth:  %8.0f rounds/s  (%.2f MB of h a round, read at %.1f GB/s)\n", by_memory,
              bytes / 1e6, bandwidth / 1e9);
  std::printf("limit by arithmetic: %8.0f rounds/s  (%.2f million additions a round, %.1f billion a second)\n",
              by_arithmetic, additions / 1e6, rate / 1e9);
  std::printf("one core is bound by %s\n\n", by_memory < by_arithmetic ? "bandwidth" : "arithmetic");
  return std::min(by_memory, by_arithmetic);
}

void compare(const Options& options) {
  std::printf("100 workers, quadratic d = 1000, EF21 with Top-10, inproc, threads = 1, %ld rounds\n\n", options.rounds);
  const double limit = print_limits();
  const Pairs pairs(options);
  std::vector<double> loop, run, ratio, loop_cpu, run_cpu;
  std::printf("%-6s %14s %14s %8s\n", "pair", "C loop", "threepc", "ratio");
  for (int i = 1; i <= options.pairs; ++i) {
    const Outcome a = pairs.hand_written(), b = pairs.threepc();
    require_same_problem(a, b);
    loop.push_back(a.rounds_per_second);
    run.push_back(b.rounds_per_second);
    ratio.push_back(loop.back() / run.back());
    loop_cpu.push_back(a.cpu_microseconds_per_round);
    run_cpu.push_back(b.cpu_microseconds_per_round);
    std::printf("%-6d %10.0f r/s %10.0f r/s %8.2f\n", i, loop.back(), run.back(), ratio.back());
    std::fflush(stdout);
  }
  std::printf("\n%-26s%10s%10s%10s\n", "", "min", "median", "max");
  print("C loop, rounds/s", Spread(loop), "%10.0f");
  print("threepc, rounds/s", Spread(run), "%10.0f");
  print("C loop / threepc", Spread(ratio), "%10.2f");
  // All threads, start-up included: on a shared machine it varies less than the clock on the wall.
  print("C loop, CPU us/round", Spread(loop_cpu), "%10.1f");
  print("threepc, CPU us/round", Spread(run_cpu), "%10.1f");
  std::printf("\nof the limit of %.0f rounds/s: C loop %.0f%%, threepc %.0f%% (medians)\n", limit,
              100 * Spread(loop).median / limit, 100 * Spread(run).median / limit);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"The round loop of threepc against the same loop written by hand in C", "threepc_bench"};
  app.add_option("CONFIG", options.config, "The run that equals round_loop.c")->capture_default_str();
  app.add_option("--pairs", options.pairs, "How many pairs A B")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--rounds", options.rounds, "Rounds of each run")
      ->check(CLI::Range(1L, 100'000'000L))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    compare(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "threepc_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
