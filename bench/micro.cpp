// threepc_microbench: encode and accumulate of every compressor found, and one worker's whole round, through the
// host's own handles: what a run pays, checks included. Every rate is in bytes of the vector that goes in, so that
// the memcpy of that vector, in the same run, is what to compare with.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "method/encoder.hpp"
#include "plugin/catalog.hpp"
#include "plugin/host_services.hpp"
#include "plugin/instances.hpp"
#include "vector/exact_vector.hpp"

namespace {

using namespace threepc;

constexpr std::uint32_t dims[] = {1'000, 1'000'000};
constexpr double stepsize = 1e-3;
constexpr std::uint32_t stream = 16;

Membership worker_of(std::uint32_t dim) { return {TPC_F64, dim, 1, 0, 1}; }

/// Values without structure, the same in every run.
std::vector<double> noise(std::uint32_t dim, std::uint64_t seed) {
  const tpc_context context = {sizeof(tpc_context), 0, 1, 0, seed, 0, stepsize, nullptr};
  std::vector<std::uint32_t> words(dim);
  host_services().random(&context, TPC_PRIVATE, 0, words.data(), words.size());
  std::vector<double> out(dim);
  for (std::uint32_t i = 0; i < dim; ++i) out[i] = words[i] * 0x1p-31 - 1;
  return out;
}

Value value_of(const tpc_value& preset) {
  switch (preset.type) {
    case TPC_BOOL:
      return preset.integer != 0;
    case TPC_INTEGER:
      return preset.integer;
    case TPC_REAL:
      return preset.real;
    default:
      return std::string(preset.string);
  }
}

/// The plugin with its defaults, k = d/100 where there is a k, and d where it asks for one.
PluginSpec spec_of(const Entry& entry, std::uint32_t dim) {
  PluginSpec spec;
  spec.descriptor = entry.descriptor;
  spec.file = entry.file;
  spec.place = entry.descriptor->id;
  for (std::uint32_t i = 0; i < entry.descriptor->param_count; ++i) {
    const tpc_param& param = *entry.descriptor->params[i];
    const std::string_view key = param.key;
    if (key == "k" && param.type == TPC_INTEGER)
      spec.values.emplace_back(std::int64_t{dim / 100});
    else if (key == "dim" && param.type == TPC_INTEGER)
      spec.values.emplace_back(std::int64_t{dim});
    else if ((param.flags & TPC_PARAM_HAS_DEFAULT) != 0)
      spec.values.emplace_back(value_of(param.preset));
    else
      spec.values.emplace_back();
  }
  return spec;
}

void count(benchmark::State& state, std::uint32_t dim) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * dim * std::int64_t{sizeof(double)});
}

void copy(benchmark::State& state, std::uint32_t dim) {
  const std::vector<double> from = noise(dim, 1);
  std::vector<double> to(dim);
  for ([[maybe_unused]] auto _ : state) {
    std::memcpy(to.data(), from.data(), dim * sizeof(double));
    benchmark::ClobberMemory();
  }
  count(state, dim);
}

/// C(a - b), as error feedback asks for it.
void encode(benchmark::State& state, const Entry& entry, std::uint32_t dim) {
  const PluginSpec spec = spec_of(entry, dim);
  const Compressor compressor(spec, worker_of(dim), stream, Role::encoder);
  const std::vector<double> a = noise(dim, 1), b = noise(dim, 2);
  std::vector<std::uint8_t> payload;
  std::uint64_t round = 0;
  for ([[maybe_unused]] auto _ : state) {
    payload.clear();
    compressor.encode(compressor.context(round++, 0, stepsize), a.data(), b.data(), payload);
    benchmark::DoNotOptimize(payload.data());
  }
  count(state, dim);
  state.counters["payload"] = static_cast<double>(payload.size());
}

void accumulate(benchmark::State& state, const Entry& entry, std::uint32_t dim) {
  const PluginSpec spec = spec_of(entry, dim);
  const Compressor compressor(spec, worker_of(dim), stream, Role::encoder);
  const tpc_context context = compressor.context(1, 0, stepsize);
  const std::vector<double> a = noise(dim, 1);
  std::vector<std::uint8_t> payload;
  compressor.encode(context, a.data(), nullptr, payload);
  ExactVector sum(TPC_F64, dim);
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(compressor.accumulate(context, payload, sum.target()));
  count(state, dim);
  state.counters["payload"] = static_cast<double>(payload.size());
}

/// Gradient and message of one worker, EF21 with Top-(d/100) on a quadratic. The model moves among a few points,
/// so that h never catches up and the selection has work to do.
void worker_round(benchmark::State& state, const Catalog& catalog, std::uint32_t dim) {
  const PluginSpec quadratic = spec_of(catalog.find(TPC_PROBLEM, "quadratic", "problem"), dim);
  PluginSpec ef21 = spec_of(catalog.find(TPC_MECHANISM, "ef21", "mechanism"), dim);
  ef21.children.push_back(spec_of(catalog.find(TPC_COMPRESSOR, "topk", "mechanism.compressor"), dim));
  const Membership membership = worker_of(dim);
  const Problem problem(quadratic, membership, 1);
  Encoder encoder(ef21, membership);
  std::vector<std::vector<double>> models;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) models.push_back(noise(dim, seed));
  std::vector<double> gradient(dim), previous(dim);
  std::vector<std::uint8_t> message;
  std::uint64_t round = 0;
  for ([[maybe_unused]] auto _ : state) {
    ++round;
    gradient.swap(previous);
    problem.evaluate(problem.context(round, 0, stepsize), models[round % models.size()].data(), nullptr,
                     gradient.data());
    encoder.propose(round, stepsize, previous.data(), gradient.data(), message);
    benchmark::DoNotOptimize(message.data());
  }
  count(state, dim);
  state.counters["payload"] = static_cast<double>(message.size());
}

template <class Body>
void add(const std::string& name, std::uint32_t dim, Body body) {
  benchmark::RegisterBenchmark((name + "/" + std::to_string(dim)).c_str(), body)->Unit(benchmark::kMicrosecond);
}

/// A parameter that nobody can guess makes create fail: such a compressor is left out, visibly.
bool usable(const Entry& entry, std::uint32_t dim) {
  if (entry.descriptor->slot_count > 0) return false;  // costs what is nested in it costs
  try {
    const PluginSpec spec = spec_of(entry, dim);
    const Compressor attempt(spec, worker_of(dim), stream, Role::encoder);
    return true;
  } catch (const Failure& failure) {
    std::fprintf(stderr, "left out: compressor '%s': %s\n", entry.descriptor->id, failure.what());
    return false;
  }
}

void register_all(const std::shared_ptr<const Catalog>& catalog) {
  for (const std::uint32_t dim : dims) {
    add("memcpy", dim, [dim](benchmark::State& state) { copy(state, dim); });
    for (const Entry& entry : catalog->entries()) {
      if (entry.descriptor->kind != TPC_COMPRESSOR || !usable(entry, dim)) continue;
      const std::string id = entry.descriptor->id;
      add("encode/" + id, dim, [catalog, &entry, dim](benchmark::State& state) { encode(state, entry, dim); });
      add("accumulate/" + id, dim, [catalog, &entry, dim](benchmark::State& state) { accumulate(state, entry, dim); });
    }
    add("worker_round", dim, [catalog, dim](benchmark::State& state) { worker_round(state, *catalog, dim); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  register_all(std::make_shared<const Catalog>(Catalog::search_path({})));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
