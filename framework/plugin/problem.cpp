#include "plugin/problem.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "plugin/checked_calls.hpp"

namespace threepc {
namespace {

constexpr std::uint32_t most_exchanges = 64, most_metrics = 32;

const void* find_extension(const PluginSpec& problem, const char* name) {
  const auto& table = *static_cast<const tpc_problem*>(problem.descriptor->table);
  return table.extension == nullptr ? nullptr : table.extension(name);
}

/// What is wrong with a plugin's table; nullptr: nothing.
const char* fault_of(const tpc_exchange& exchange) {
  if (exchange.struct_size < sizeof(tpc_exchange)) return "is truncated";
  if (exchange.exchanges < 1 || exchange.exchanges > most_exchanges) return "has not 1 to 64 exchanges";
  return exchange.peers == nullptr || exchange.stage == nullptr ? "has no peers or no stage" : nullptr;
}

bool is_name(const char* name) {
  const std::string_view text = name == nullptr ? "" : name;
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

const char* fault_of(const tpc_metrics& metrics) {
  if (metrics.struct_size < sizeof(tpc_metrics)) return "is truncated";
  if (metrics.count < 1 || metrics.count > most_metrics || metrics.names == nullptr) return "has not 1 to 32 names";
  if (metrics.read == nullptr) return "has no read";
  if (!std::all_of(metrics.names, metrics.names + metrics.count, is_name)) return "has a name that is none";
  const std::set<std::string> distinct(metrics.names, metrics.names + metrics.count);
  return distinct.size() == metrics.count ? nullptr : "has a name twice";
}

/// nullptr: the problem has no such extension.
template <class Table>
const Table* find_table(const PluginSpec& problem, const char* name) {
  const auto* const table = static_cast<const Table*>(find_extension(problem, name));
  const char* const fault = table == nullptr ? nullptr : fault_of(*table);
  if (fault == nullptr) return table;
  throw Failure(Exit::plugin, std::string("problem '") + problem.descriptor->id + "' misbehaved: its table " + name +
                                  " " + fault + " (" + problem.file + ")");
}

}  // namespace

const tpc_exchange* find_exchange(const PluginSpec& problem) { return find_table<tpc_exchange>(problem, TPC_EXCHANGE); }

std::uint32_t exchanges_of(const PluginSpec& problem) {
  const tpc_exchange* const exchange = find_exchange(problem);
  return exchange == nullptr ? 0 : exchange->exchanges;
}

std::vector<std::string> metric_names(const PluginSpec& problem) {
  const auto* const metrics = find_table<tpc_metrics>(problem, TPC_METRICS);
  if (metrics == nullptr) return {};
  return {metrics->names, metrics->names + metrics->count};
}

Problem::Problem(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_problem>();
}

tpc_problem_facts Problem::facts() const {
  tpc_problem_facts facts = {sizeof(tpc_problem_facts), 0, 0, NAN, NAN, NAN, nullptr, 0, 0, 0};
  checked("facts", [&](tpc_error* error) { return table<tpc_problem>().facts(self_, &facts, error); });
  if (facts.dim == 0 || facts.dim == UINT32_MAX)
    misbehaved("dim = " + std::to_string(facts.dim) + " is not in 1 .. 2^32 - 2");
  for (const double L : {facts.L_i, facts.L_minus, facts.hessian_spread})
    if (L < 0 || std::isinf(L))
      misbehaved("a smoothness constant of " + std::to_string(L) + " is no finite number >= 0");
  if (facts.block_count > 0 && facts.blocks == nullptr) misbehaved("block_count is not 0 but blocks is null");
  std::uint64_t covered = 0;
  for (std::uint32_t i = 0; i < facts.block_count && covered <= facts.dim; ++i) {
    const std::uint64_t size = std::uint64_t{facts.blocks[i]->rows} * facts.blocks[i]->columns;
    if (size == 0) misbehaved("its block " + std::to_string(i) + " is empty");
    covered += size;
  }
  if (facts.block_count > 0 && covered != facts.dim)
    misbehaved("its blocks hold " + std::to_string(covered) + " values, but dim = " + std::to_string(facts.dim));
  return facts;
}

void Problem::start(void* x0) const {
  checked("start", [&](tpc_error* error) { return table<tpc_problem>().start(self_, x0, error); });
}

void Problem::evaluate(const tpc_context& context, const void* x, double* value, void* gradient) const {
  checked(
      "evaluate",
      [&](tpc_error* error) { return table<tpc_problem>().evaluate(self_, &context, x, value, gradient, error); },
      &context);
}

bool Problem::has_rows() const { return table<tpc_problem>().evaluate_rows != nullptr; }

void Problem::evaluate_rows(const tpc_context& context, const void* x, std::span<const std::uint64_t> rows,
                            void* gradient) const {
  checked(
      "evaluate_rows",
      [&](tpc_error* error) {
        return table<tpc_problem>().evaluate_rows(self_, &context, x, rows.data(), rows.size(), gradient, error);
      },
      &context);
}

bool Problem::has_curvature() const { return table<tpc_problem>().curvature != nullptr; }

void Problem::curvature(const double* v, double* out) const {
  checked("curvature", [&](tpc_error* error) { return table<tpc_problem>().curvature(self_, v, out, error); });
}

std::vector<tpc::Share> Problem::metrics() const {
  const auto* const metrics = find_table<tpc_metrics>(spec(), TPC_METRICS);
  if (metrics == nullptr) return {};
  std::vector<double> sums(metrics->count), weights(metrics->count);
  checked("metrics", [&](tpc_error* error) { return metrics->read(self_, sums.data(), weights.data(), error); });
  std::vector<tpc::Share> out;
  for (std::uint32_t k = 0; k < metrics->count; ++k) {
    if (!(weights[k] >= 0 && std::isfinite(weights[k])))
      misbehaved("its metric " + std::string(metrics->names[k]) + " has a weight that is no finite number >= 0");
    out.push_back({sums[k], weights[k]});
  }
  return out;
}

tpc::Peers Problem::peers() const {
  const std::uint32_t* workers = nullptr;
  std::uint32_t count = 0;
  std::uint64_t longest = 0;
  checked("peers",
          [&](tpc_error* error) { return find_exchange(spec())->peers(self_, &workers, &count, &longest, error); });
  const std::span<const std::uint32_t> peers(workers, count);
  for (std::size_t k = 0; k < peers.size(); ++k)
    if (peers[k] >= membership().workers || peers[k] == membership().worker || (k > 0 && peers[k] <= peers[k - 1]))
      misbehaved("its peers are not other workers in ascending order");
  return {peers, longest};
}

void Problem::stage(const tpc_context& context, std::uint32_t stage, const void* x, std::span<const tpc_parcel> heard,
                    std::span<tpc_parcel> said) const {
  const tpc_parcel* const in = stage == 0 ? nullptr : heard.data();
  checked(
      "stage",
      [&](tpc_error* error) {
        return find_exchange(spec())->stage(self_, &context, stage, x, in, said.data(), nullptr, nullptr, error);
      },
      &context);
  require_said(said);
}

void Problem::require_said(std::span<const tpc_parcel> said) const {
  const tpc::Peers known = peers();
  std::uint64_t total = 0;
  for (std::size_t k = 0; k < said.size(); ++k) {
    if (said[k].data == nullptr && said[k].size > 0)
      misbehaved("its parcel for worker " + std::to_string(known.workers[k]) + " has " + std::to_string(said[k].size) +
                 " bytes, but data is null");
    total += said[k].size;
  }
  if (total > known.longest)
    misbehaved("it says " + std::to_string(total) + " bytes in one exchange, more than its longest, " +
               std::to_string(known.longest));
}

void Problem::finish(const tpc_context& context, std::uint32_t stage, const void* x, std::span<const tpc_parcel> heard,
                     double& value, void* gradient) const {
  checked(
      "stage",
      [&](tpc_error* error) {
        return find_exchange(spec())->stage(self_, &context, stage, x, heard.data(), nullptr, &value, gradient, error);
      },
      &context);
}

}  // namespace threepc
