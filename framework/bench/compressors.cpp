#include <cmath>
#include <random>
#include <vector>

#include "bench/machine.hpp"
#include "bench/parts.hpp"
#include "config/document.hpp"
#include "config/run_config.hpp"
#include "plugin/compressor.hpp"
#include "plugin/streams.hpp"
#include "vector/dispatch.hpp"

namespace threepc::bench {
namespace {

constexpr const char* usual[] = {"identity",
                                 "topk, fraction=0.001",
                                 "topk, fraction=0.01",
                                 "topk, fraction=0.1",
                                 "randk, fraction=0.01",
                                 "natural",
                                 "sign",
                                 "terngrad",
                                 "cast",
                                 "dithering, levels=4",
                                 "threshold"};

/// `words` is a plugin's id and its keys, "topk, k=10".
RunConfig configuration_of(const std::string& words, const BenchOptions& options) {
  const std::size_t comma = std::min(words.find(','), words.size());
  const std::string table = "plugin = \"" + words.substr(0, comma) + "\"" + words.substr(comma);
  const std::string text = "[run]\ndtype = \"" + options.dtype +
                           "\"\n[problem]\nplugin = \"quadratic\"\ndim = 10\n[mechanism]\nplugin = \"ef21\"\n"
                           "compressor = { " +
                           table + " }\n[optimizer]\nplugin = \"gd\"\nstepsize = 1\n";
  return load_config(parse_document(text, "--compressor '" + words + "'"), "bench", "bench");
}

RawVector noise(tpc_dtype dtype, std::uint32_t dim) {
  RawVector v(dtype, dim);
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  with_type_of(dtype, [&]<class T>() {
    for (std::uint32_t i = 0; i < dim; ++i) static_cast<T*>(v.data())[i] = static_cast<T>(normal(random));
  });
  return v;
}

Row measured(const std::string& words, const BenchOptions& options, double read) {
  const RunConfig config = configuration_of(words, options);
  const Membership membership{config.dtype, options.dim, 1, 0, 1};
  const PluginSpec& spec = config.mechanism.children.front();
  const Compressor encoder(spec, membership, streams::mechanisms, Role::encoder);
  const Compressor decoder(spec, membership, streams::mechanisms, Role::replica);
  const RawVector a = noise(config.dtype, options.dim), b(config.dtype, options.dim);
  std::vector<std::uint8_t> payload;
  std::uint64_t round = 0;
  const double encode = shortest(options.seconds, [&] {
    payload.clear();
    encoder.encode(encoder.context(++round, 0, 1), a.data(), b.data(), payload);
  });
  RawVector sum(config.dtype, options.dim), error(config.dtype, options.dim);
  const tpc_sum into = {sizeof(tpc_sum), config.dtype, options.dim, 0, sum.data(), error.data(), 1.0};
  const double decode =
      shortest(options.seconds, [&] { decoder.accumulate(decoder.context(round, 0, 1), payload, into); });
  const double bits = 8.0 * static_cast<double>(payload.size());
  return {words, {bits / options.dim, encode * 1e6, decode * 1e6, encode / (2 * read)}};
}

}  // namespace

Table bench_compressors(const BenchOptions& options) {
  const std::size_t bytes = std::size_t{options.dim} * (options.dtype == "f32" ? 4 : 8);
  const double read = read_seconds(bytes, options.seconds);
  Table table{"compressors of x - h, d = " + std::to_string(options.dim) + ", " + options.dtype + ", noise",
              {"bits/value", "encode us", "decode us", "reads"},
              {}};
  table.rows.push_back({"(read x and h)", {NAN, 2 * read * 1e6, NAN, 1}});
  std::vector<std::string> all(options.compressors);
  if (all.empty()) all.assign(std::begin(usual), std::end(usual));
  for (const std::string& words : all) table.rows.push_back(measured(words, options, read));
  return table;
}

}  // namespace threepc::bench
