// threepc_readbench FILE...: how fast LIBSVM files are read, plain or compressed. A survey is what every process does
// once a file: decompress, check every line, learn labels and d. Storing all rows is what n workers then do together.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "data/libsvm.hpp"

namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::size_t store_all(const LibsvmFile& file) {
  std::vector<std::uint32_t> all(file.labels().size());
  std::iota(all.begin(), all.end(), 0u);
  return file.rows(all).values.size();
}

/// The best of five: what is slower was disturbed.
void measure(const char* name) {
  const double bytes = static_cast<double>(FileText(name).text().size());
  double survey = 1e9, store = 1e9, rows = 0;
  std::size_t entries = 0;
  for (int k = 0; k < 5; ++k) {
    const auto start = Clock::now();
    const LibsvmFile file(name, std::nullopt);
    survey = std::min(survey, since(start));
    const auto surveyed = Clock::now();
    entries = store_all(file);
    store = std::min(store, since(surveyed));
    rows = static_cast<double>(file.labels().size());
  }
  std::printf("%s: %.0f rows, %zu entries, %.1f MB of text: survey %.1f ms (%.0f MB/s, %.2g rows/s), store %.1f ms\n",
              name, rows, entries, bytes * 1e-6, survey * 1e3, bytes * 1e-6 / survey, rows / survey, store * 1e3);
}

}  // namespace

int main(int count, char** names) try {
  if (count < 2) return std::fputs("usage: threepc_readbench FILE...\n", stderr), 2;
  for (int i = 1; i < count; ++i) measure(names[i]);
} catch (const std::exception& error) {
  std::fprintf(stderr, "threepc_readbench: %s\n", error.what());
  return 1;
}
