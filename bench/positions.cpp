// threepc_positionbench: what positions cost, in time and in bits: uniform sets of K of d coordinates, one index at a
// time beside the information in the set, and a list of ceil(log2 d) bits an index in the same run.
#include "positions.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace {

struct Shape {
  std::uint32_t dim, count;
};
constexpr Shape shapes[] = {{100, 10},
                            {123, 12},
                            {1000, 10},
                            {1000, 100},
                            {100'000, 1000},
                            {1'000'000, 10'000},
                            {1'000'000, 100'000},
                            {1'000'000, 300'000},
                            {1'000'000, 600'000},
                            {10'000'000, 10'000},
                            {10'000'000, 100'000},
                            {10'000'000, 1'000'000}};

double log2_choose(const Shape& s) {
  return (std::lgamma(s.dim + 1.0) - std::lgamma(s.count + 1.0) - std::lgamma(s.dim - s.count + 1.0)) / std::log(2);
}

/// Each set as likely as any other.
std::vector<std::uint32_t> uniform(const Shape& shape) {
  std::mt19937_64 engine(1);
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0, left = shape.count; left > 0; ++i)
    if (engine() % (shape.dim - i) < left) out.push_back(i), --left;
  return out;
}

struct Message {
  explicit Message(std::size_t size) : bytes(size), buffer{bytes.data(), bytes.size(), 0} {}
  std::vector<std::uint8_t> bytes;
  tpc_buffer buffer;
};

void report(benchmark::State& state, const Shape& shape, std::uint64_t bits) {
  state.counters["ns/index"] = benchmark::Counter(
      shape.count * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["bits/index"] = static_cast<double>(bits) / shape.count;
  state.counters["limit"] = log2_choose(shape) / shape.count;
}

void write_positions(benchmark::State& state, const Shape& shape) {
  const std::vector<std::uint32_t> set = uniform(shape);
  const Positions positions(shape.count, shape.dim);
  Positions::Scratch scratch;
  Message message((positions.bits() + 7) / 8);
  for ([[maybe_unused]] auto _ : state) {
    tpc::Writer out(message.buffer);
    positions.write(set, scratch, out);
    out.flush_bits();
    benchmark::ClobberMemory();
  }
  report(state, shape, positions.bits());
}

void read_positions(benchmark::State& state, const Shape& shape) {
  const Positions positions(shape.count, shape.dim);
  Positions::Scratch scratch;
  Message message((positions.bits() + 7) / 8);
  tpc::Writer out(message.buffer);
  positions.write(uniform(shape), scratch, out);
  out.flush_bits();
  std::vector<std::uint32_t> set(shape.count);
  for ([[maybe_unused]] auto _ : state) {
    tpc::Reader in(message.bytes.data(), message.bytes.size());
    positions.read(in, [&](std::uint32_t j, std::uint32_t i) { set[j] = i; });
    benchmark::ClobberMemory();
  }
  report(state, shape, positions.bits());
}

void write_list(benchmark::State& state, const Shape& shape) {
  const std::vector<std::uint32_t> set = uniform(shape);
  const unsigned width = tpc::index_bits(shape.dim);
  Message message(tpc::packed_bytes(shape.count, width));
  for ([[maybe_unused]] auto _ : state) {
    tpc::Writer out(message.buffer);
    for (const std::uint32_t i : set) out.put_bits(i, width);
    out.flush_bits();
    benchmark::ClobberMemory();
  }
  report(state, shape, std::uint64_t{shape.count} * width);
}

template <class Body>
void add(const char* what, const Shape& shape, Body body) {
  const std::string name = std::string(what) + "/" + std::to_string(shape.dim) + "/" + std::to_string(shape.count);
  benchmark::RegisterBenchmark(name.c_str(), [body, &shape](benchmark::State& state) { body(state, shape); });
}

}  // namespace

int main(int argc, char** argv) {
  for (const Shape& shape : shapes) {
    add("list", shape, write_list);
    add("write", shape, write_positions);
    add("read", shape, read_positions);
    benchmark::RegisterBenchmark(("model/" + std::to_string(shape.dim) + "/" + std::to_string(shape.count)).c_str(),
                                 [&shape](benchmark::State& state) {
                                   for ([[maybe_unused]] auto _ : state)
                                     benchmark::DoNotOptimize(Positions(shape.count, shape.dim));
                                 });
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
