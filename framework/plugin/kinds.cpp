#include "plugin/kinds.hpp"

#include <threepc/draft/aggregator.h>
#include <threepc/draft/topology.h>

#include <algorithm>

namespace threepc {
namespace {

#define THREEPC_REQUIRED(table, function) \
  RequiredFunction { #function, offsetof(table, function) }

constexpr RequiredFunction of_compressor[] = {
    THREEPC_REQUIRED(tpc_compressor, create),    THREEPC_REQUIRED(tpc_compressor, destroy),
    THREEPC_REQUIRED(tpc_compressor, constants), THREEPC_REQUIRED(tpc_compressor, max_payload),
    THREEPC_REQUIRED(tpc_compressor, encode),    THREEPC_REQUIRED(tpc_compressor, accumulate)};

constexpr RequiredFunction of_mechanism[] = {
    THREEPC_REQUIRED(tpc_mechanism, create), THREEPC_REQUIRED(tpc_mechanism, destroy),
    THREEPC_REQUIRED(tpc_mechanism, constants), THREEPC_REQUIRED(tpc_mechanism, propose)};

constexpr RequiredFunction of_optimizer[] = {THREEPC_REQUIRED(tpc_optimizer, create),
                                             THREEPC_REQUIRED(tpc_optimizer, destroy),
                                             THREEPC_REQUIRED(tpc_optimizer, step)};

constexpr RequiredFunction of_problem[] = {
    THREEPC_REQUIRED(tpc_problem, create), THREEPC_REQUIRED(tpc_problem, destroy), THREEPC_REQUIRED(tpc_problem, facts),
    THREEPC_REQUIRED(tpc_problem, start), THREEPC_REQUIRED(tpc_problem, evaluate)};

constexpr RequiredFunction of_transport[] = {
    THREEPC_REQUIRED(tpc_transport, create),  THREEPC_REQUIRED(tpc_transport, destroy),
    THREEPC_REQUIRED(tpc_transport, open),    THREEPC_REQUIRED(tpc_transport, address),
    THREEPC_REQUIRED(tpc_transport, join),    THREEPC_REQUIRED(tpc_transport, send),
    THREEPC_REQUIRED(tpc_transport, receive), THREEPC_REQUIRED(tpc_transport, cancel),
    THREEPC_REQUIRED(tpc_transport, traffic), THREEPC_REQUIRED(tpc_transport, close)};

constexpr RequiredFunction of_topology[] = {THREEPC_REQUIRED(tpc_topology, create),
                                            THREEPC_REQUIRED(tpc_topology, destroy),
                                            THREEPC_REQUIRED(tpc_topology, links)};

constexpr RequiredFunction of_aggregator[] = {
    THREEPC_REQUIRED(tpc_aggregator, create),  THREEPC_REQUIRED(tpc_aggregator, destroy),
    THREEPC_REQUIRED(tpc_aggregator, begin),   THREEPC_REQUIRED(tpc_aggregator, wants),
    THREEPC_REQUIRED(tpc_aggregator, partial), THREEPC_REQUIRED(tpc_aggregator, take),
    THREEPC_REQUIRED(tpc_aggregator, fuse)};

#undef THREEPC_REQUIRED

constexpr std::uint32_t compressors = 1U << TPC_COMPRESSOR, mechanisms = 1U << TPC_MECHANISM;

constexpr Kind table[] = {
    {TPC_COMPRESSOR, "compressor", "mechanism.compressor", "plugin", compressors, sizeof(tpc_compressor),
     sizeof(tpc_compressor), of_compressor},
    {TPC_MECHANISM, "mechanism", "mechanism", "plugin", compressors | mechanisms, sizeof(tpc_mechanism),
     sizeof(tpc_mechanism), of_mechanism},
    {TPC_OPTIMIZER, "optimizer", "optimizer", "plugin", 0, offsetof(tpc_optimizer, extension), sizeof(tpc_optimizer),
     of_optimizer},
    {TPC_PROBLEM, "problem", "problem", "plugin", 0, offsetof(tpc_problem, evaluate_rows), sizeof(tpc_problem),
     of_problem},
    {TPC_TRANSPORT, "transport", "transport", "plugin", 0, offsetof(tpc_transport, place), sizeof(tpc_transport),
     of_transport},
    {TPC_TOPOLOGY, "topology", "topology", "plugin", 0, sizeof(tpc_topology), sizeof(tpc_topology), of_topology},
    {TPC_AGGREGATOR, "aggregator", "aggregation", "rule", 0, sizeof(tpc_aggregator), sizeof(tpc_aggregator),
     of_aggregator},
};

}  // namespace

std::span<const Kind> kinds() { return table; }

const Kind* find_kind(tpc_kind id) {
  const Kind* const found = std::find_if(std::begin(table), std::end(table), [&](const Kind& k) { return k.id == id; });
  return found == std::end(table) ? nullptr : found;
}

const char* kind_name(tpc_kind kind) {
  const Kind* const found = find_kind(kind);
  return found == nullptr ? "plugin" : found->name;
}

}  // namespace threepc
