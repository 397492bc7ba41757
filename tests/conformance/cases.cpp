#include "cases.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "plugin/kinds.hpp"

namespace threepc::conformance {
namespace {

void fill_values(PluginSpec& spec, std::map<std::string, Value> given) {
  for (std::uint32_t i = 0; i < spec.descriptor->param_count; ++i) {
    const tpc_param& param = *spec.descriptor->params[i];
    std::optional<Value> value = preset_of(param);
    if (const auto found = given.extract(param.key)) value = found.mapped();
    spec.values.push_back(value);
  }
  if (!given.empty()) throw std::logic_error("no parameter " + given.begin()->first + " of " + spec.descriptor->id);
}

std::uint64_t all(std::uint32_t dim) { return dim; }
std::uint64_t one(std::uint32_t dim) { return std::min(dim, 1u); }
std::uint64_t all_and_scale(std::uint32_t dim) { return std::uint64_t{dim} + 1; }
std::uint64_t quarter(std::uint32_t dim) { return dim / 4 + (dim % 4 != 0 ? 1 : 0); }  // of four workers
std::uint64_t tenth(std::uint32_t dim) { return static_cast<std::uint64_t>(std::ceil(0.1 * dim)); }
std::uint64_t tenth_of_layers(std::uint32_t dim) {
  std::uint64_t sum = 0;
  for (const tpc::Block& layer : layers(dim)) sum += tenth(layer.rows * layer.columns);
  return sum;
}
std::uint64_t tenth_of_sixteens(std::uint32_t dim) { return 2 * (dim / 16) + tenth(dim % 16); }
std::uint64_t rank_two_factors(std::uint32_t dim) {
  std::uint64_t sum = 0;
  for (const tpc::Block& layer : layers(dim)) {
    const std::uint32_t rank = std::min({2u, layer.rows, layer.columns});
    sum += std::min(rank * (layer.rows + layer.columns), layer.rows * layer.columns);
  }
  return sum;
}
std::uint64_t fifth(std::uint32_t dim) { return static_cast<std::uint64_t>(std::ceil(0.5 * std::ceil(0.4 * dim))); }

Request identity() { return {"identity"}; }

Request topk(double fraction) { return {"topk", {{"fraction", fraction}}}; }
Request randk(double fraction) { return {"randk", {{"fraction", fraction}}}; }
Request silent() { return {"silent"}; }
Request crandk(double fraction) { return {"randk", {{"fraction", fraction}, {"scaled", false}}}; }
Request cast(const std::string& to, const std::string& rounding) {
  return {"cast", {{"to", to}, {"rounding", rounding}}};
}
Request nested(const std::string& id, std::multimap<std::string, Request> children) {
  return {id, {}, std::move(children)};
}
Request dithering(const std::string& id, std::int64_t levels, const std::string& norm) {
  return {id, {{"levels", levels}, {"norm", norm}}};
}
Request threshold(const std::string& rule, double tau) { return {"threshold", {{"rule", rule}, {"tau", tau}}}; }
Request compressed(const std::string& id, std::map<std::string, Value> values, const Request& compressor) {
  return {id, std::move(values), {{"compressor", compressor}}};
}
Request v3(const Request& inner, const Request& compressor) {
  return {"3pcv3", {}, {{"inner", inner}, {"compressor", compressor}}};
}
Request v4(const Request& inner, const Request& compressor) {
  return {"3pcv4", {}, {{"inner", inner}, {"compressor", compressor}}};
}

}  // namespace

const Catalog& catalog() {
  static const Catalog built({THREEPC_TEST_PLUGINS});
  return built;
}

PluginSpec resolve(tpc_kind kind, const Request& request) {
  static const Catalog with_those_of_the_tests({THREEPC_TEST_PLUGINS, THREEPC_TEST_BINARIES "/plugins"});
  const Entry& entry = with_those_of_the_tests.find(kind, request.id, "the case table");
  PluginSpec spec;
  spec.descriptor = entry.descriptor;
  spec.file = entry.file;
  spec.place = kind_name(kind);
  fill_values(spec, request.values);
  for (std::uint32_t i = 0; i < entry.descriptor->slot_count; ++i) {
    const tpc_slot& slot = *entry.descriptor->slots[i];
    const auto [first, last] = request.children.equal_range(slot.key);
    if (first == last) throw std::logic_error("nothing in slot " + std::string(slot.key) + " of " + request.id);
    for (auto child = first; child != last; ++child) spec.children.push_back(resolve(slot.kind, child->second));
  }
  return spec;
}

std::vector<tpc::Block> layers(std::uint32_t dim) {
  if (dim == 0) return {};
  const auto rows = static_cast<std::uint32_t>(std::sqrt(dim));
  const std::uint32_t columns = dim / rows, rest = dim % rows;
  return rest == 0 ? std::vector<tpc::Block>{{rows, columns}} : std::vector<tpc::Block>{{rows, columns}, {rest, 1}};
}

const std::vector<CompressorCase>& compressor_cases() {
  static const std::vector<CompressorCase> cases = {
      {"identity", identity(), false, all},
      {"topk_one", {"topk", {{"k", std::int64_t{1}}}}, false, one},
      {"topk_tenth", topk(0.1), false, tenth},
      {"topk_all", topk(1.0), false, all},
      {"topk_per_block",
       {"topk", {{"fraction", 0.1}, {"per", std::string("block")}, {"block_size", std::int64_t{16}}}},
       false,
       tenth_of_sixteens},
      {"topk_per_layer",
       {"topk", {{"fraction", 0.1}, {"per", std::string("layer")}}},
       false,
       tenth_of_layers,
       false,
       true},
      {"randk_one", {"randk", {{"k", std::int64_t{1}}}}, true, one},
      {"randk_tenth", randk(0.1), true, tenth},
      {"randk_all", randk(1.0), false, all},
      {"crandk_one", {"randk", {{"k", std::int64_t{1}}, {"scaled", false}}}, true, one},
      {"scaled_randk", nested("scaled", {{"compressor", randk(0.1)}}), true, tenth},
      {"compose_topk_bf16", nested("compose", {{"selector", topk(0.1)}, {"values", cast("bf16", "nearest")}}), false,
       tenth},
      {"compose_randk_f16", nested("compose", {{"selector", randk(0.1)}, {"values", cast("f16", "stochastic")}}), true,
       tenth},
      {"compose_topk_randk", nested("compose", {{"selector", topk(0.4)}, {"values", crandk(0.5)}}), true, fifth},
      {"cast_f32", cast("f32", "nearest"), false, all},
      {"cast_bf16", cast("bf16", "nearest"), false, all},
      {"cast_f16_stochastic", cast("f16", "stochastic"), true, all},
      {"cast_f8", cast("f8_e4m3", "nearest"), false, all},
      {"cast_f8_stochastic", cast("f8_e5m2", "stochastic"), true, all},
      {"crandk_tenth", {"randk", {{"fraction", 0.1}, {"scaled", false}}}, true, tenth},
      {"permk", {"permk"}, true, quarter, true},
      {"cpermk", {"permk", {{"scaled", false}}}, true, quarter, true},
      {"bernoulli", {"bernoulli", {{"p", 0.4}}}, true, all, true},
      {"cbernoulli", {"bernoulli", {{"p", 0.4}, {"scaled", false}}}, true, all, true},
      {"bernoulli_always", {"bernoulli", {{"p", 1.0}}}, false, all},
      {"natural", {"natural"}, true, all},
      {"dithering_one_level", dithering("dithering", 1, "2"), true, all_and_scale},
      {"dithering_1", dithering("dithering", 4, "1"), true, all_and_scale},
      {"dithering_2", dithering("dithering", 4, "2"), true, all_and_scale},
      {"dithering_inf", dithering("dithering", 4, "inf"), true, all_and_scale},
      {"dithering_fine", dithering("dithering", 1 << 20, "2"), true, all_and_scale},
      {"natural_dithering_1", dithering("natural_dithering", 8, "1"), true, all_and_scale},
      {"natural_dithering_2", dithering("natural_dithering", 3, "2"), true, all_and_scale},
      {"natural_dithering_inf", dithering("natural_dithering", 3, "inf"), true, all_and_scale},
      {"terngrad", {"terngrad"}, true, all_and_scale},
      {"sign", {"sign"}, false, all_and_scale},
      {"threshold_absolute", threshold("absolute", 2.0), false, all, true},
      {"threshold_max", threshold("max", 0.5), false, all, true},
      {"threshold_rms", threshold("rms", 1.0), false, all, true},
      {"rankk", {"rankk", {{"k", std::int64_t{2}}}}, true, rank_two_factors, false, true},
      {"rankk_exact", {"rankk", {{"k", std::int64_t{2}}, {"exact", true}}}, false, rank_two_factors, false, true},
  };
  return cases;
}

const std::vector<MechanismCase>& mechanism_cases() {
  static const std::vector<MechanismCase> cases = {
      {"gd", {"gd"}},
      {"ef21_topk", compressed("ef21", {}, topk(0.1))},
      {"ef21_crandk", compressed("ef21", {}, crandk(0.3))},
      {"ef21_identity", compressed("ef21", {}, identity())},
      {"lag_eager", {"lag", {{"zeta", 0.0}}}},
      {"lag", {"lag", {{"zeta", 4.0}}}},
      {"clag_eager", compressed("clag", {{"zeta", 0.0}}, topk(0.1))},
      {"clag", compressed("clag", {{"zeta", 4.0}}, topk(0.1))},
      {"3pcv2", {"3pcv2", {}, {{"compressor", topk(0.1)}, {"unbiased", randk(0.2)}}}},
      {"marina", {"marina", {{"p", 0.3}}, {{"unbiased", randk(0.2)}}}},
      {"marina_sure", {"marina", {{"p", 1.0}}, {{"unbiased", randk(0.2)}}}},
      {"3pcv1", compressed("3pcv1", {}, topk(0.1))},
      {"3pcv1_crandk", compressed("3pcv1", {}, crandk(0.3))},
      {"3pcv3_lag", v3({"lag", {{"zeta", 4.0}}}, topk(0.1))},
      {"3pcv3_ef21", v3(compressed("ef21", {}, topk(0.1)), crandk(0.3))},
      {"3pcv3_3pcv3_ef21plus", v3(v3(compressed("ef21+", {}, topk(0.1)), topk(0.2)), topk(0.1))},
      {"3pcv3_ef14_identity", v3(compressed("ef14", {}, topk(0.1)), identity())},
      {"3pcv4", v4(topk(0.1), topk(0.2))},
      {"3pcv4_crandk", v4(crandk(0.2), crandk(0.3))},
      {"3pcv5", compressed("3pcv5", {{"p", 0.3}}, topk(0.1))},
      {"3pcv5_crandk", compressed("3pcv5", {{"p", 0.3}}, crandk(0.3))},
      {"3pcv5_sure", compressed("3pcv5", {{"p", 1.0}}, topk(0.1))},
      {"ef21plus", compressed("ef21+", {}, topk(0.1))},
      {"ef21plus_crandk", compressed("ef21+", {}, crandk(0.3))},
      {"ef14", compressed("ef14", {}, topk(0.1)), false},
      {"ef14_identity", compressed("ef14", {}, identity())},
      {"dcgd", compressed("dcgd", {}, randk(0.2)), false},
      {"dcgd_identity", compressed("dcgd", {}, identity())},
      {"diana", {"diana", {}, {{"unbiased", randk(0.2)}}}, false},
      {"diana_fixed_shift", {"diana", {{"keep", 0.0}}, {{"unbiased", randk(0.2)}}}, false},
      {"adacgd", {"adacgd", {{"zeta", 4.0}}, {{"level", topk(0.1)}, {"level", topk(0.3)}, {"level", topk(0.6)}}}},
      {"adacgd_crandk", {"adacgd", {{"zeta", 2.0}}, {{"level", crandk(0.1)}, {"level", crandk(0.3)}}}},
      {"3pcv3_marina", v3({"marina", {{"p", 0.3}}, {{"unbiased", randk(0.2)}}}, topk(0.1)), false},
      {"3pcv3_marina_identity", v3({"marina", {{"p", 0.3}}, {{"unbiased", randk(0.2)}}}, identity())},
      {"ef21_silent", compressed("ef21", {}, silent()), false},
      {"clag_silent", compressed("clag", {{"zeta", 4.0}}, silent()), false},
      {"3pcv1_silent", compressed("3pcv1", {}, silent())},
      {"3pcv2_silent", {"3pcv2", {}, {{"compressor", silent()}, {"unbiased", randk(0.2)}}}, false},
      {"3pcv3_silent", v3(compressed("ef21", {}, topk(0.1)), silent())},
      {"3pcv4_silent", v4(silent(), topk(0.1))},
      {"3pcv5_silent", compressed("3pcv5", {{"p", 0.3}}, silent())},
      {"adacgd_eager", {"adacgd", {{"zeta", 0.0}}, {{"level", topk(0.1)}, {"level", topk(0.3)}}}},
  };
  return cases;
}

}  // namespace threepc::conformance
