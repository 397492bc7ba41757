// The tables of threepc bench.
#pragma once

#include "bench/bench.hpp"
#include "bench/table.hpp"

namespace threepc::bench {

/// Encode and decode of each compressor, and how often x and h could be read meanwhile.
Table bench_compressors(const BenchOptions& options);
/// What a round costs over each transport of this host when there is nothing to compute, and bytes a second.
Table bench_transports(const BenchOptions& options);
/// Rounds a second of a run, and how many there would be if communication were free.
Table bench_round(const BenchOptions& options);

}  // namespace threepc::bench
