#include "bench/bench.hpp"

#include <cstdio>

#include "bench/parts.hpp"

namespace threepc::bench {

Exit run(const BenchOptions& options) {
  std::vector<Table> tables;
  const auto add = [&](const char* name, Table (*measure)(const BenchOptions&)) {
    if (options.what != "all" && options.what != name) return;
    tables.push_back(measure(options));
    if (options.json) return;
    std::printf("%s%s", tables.size() > 1 ? "\n" : "", to_text(tables.back()).c_str());
    std::fflush(stdout);
  };
  add("compressors", bench_compressors);
  add("transports", bench_transports);
  add("round", bench_round);
  if (options.json) std::fputs(to_json_text(tables).c_str(), stdout);
  return Exit::done;
}

}  // namespace threepc::bench
