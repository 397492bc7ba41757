// A plugin of an earlier minor version looks to the host like one of this version that leaves out what is newer.
#include "plugin/upgrade.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "plugin/kinds.hpp"

namespace threepc {
namespace {

/// What lies behind a table of an earlier version is anything.
std::vector<std::max_align_t> filled(std::size_t size) {
  std::vector<std::max_align_t> out(size / sizeof(std::max_align_t) + 1);
  std::memset(out.data(), 0xAB, out.size() * sizeof(std::max_align_t));
  return out;
}

template <class T>
T* sized(std::vector<std::max_align_t>& memory, std::size_t known) {
  auto* const out = reinterpret_cast<T*>(memory.data());
  std::memset(static_cast<void*>(out), 0, known);
  out->struct_size = static_cast<std::uint32_t>(known);
  return out;
}

TEST(Upgrade, WhatAPluginDoesNotKnowIsZero) {
  auto table_memory = filled(sizeof(tpc_problem)), descriptor_memory = filled(sizeof(tpc_descriptor));
  auto* const table = sized<tpc_problem>(table_memory, offsetof(tpc_problem, evaluate_rows));
  table->destroy = [](void*) {};
  auto* const old = sized<tpc_descriptor>(descriptor_memory, offsetof(tpc_descriptor, theory));
  old->kind = TPC_PROBLEM;
  old->id = "old";
  old->table = table;

  const tpc_descriptor* const now = upgraded(*old);
  EXPECT_STREQ(now->id, "old");
  EXPECT_STREQ(now->theory, "");
  const auto& full = *static_cast<const tpc_problem*>(now->table);
  EXPECT_EQ(full.destroy, table->destroy);
  EXPECT_EQ(full.evaluate_rows, nullptr);
  EXPECT_EQ(upgraded(*old), now);
}

TEST(Kinds, EveryFunctionThatIsRequiredWasThereFromTheBeginning) {
  for (const Kind& kind : kinds()) {
    EXPECT_EQ(find_kind(kind.id), &kind);
    EXPECT_LE(kind.least, kind.size) << kind.name;
    for (const RequiredFunction& function : kind.required)
      EXPECT_LE(function.offset + sizeof(void (*)()), kind.least) << kind.name << " " << function.name;
  }
  EXPECT_EQ(find_kind(99), nullptr);
  EXPECT_STREQ(kind_name(99), "plugin");
}

/// Numbers, not offsets: whoever adds to a table does not move what the first plugins have.
TEST(Kinds, TablesOfTheFirstMinorVersionAreStillTaken) {
  const std::pair<tpc_kind, std::size_t> first[] = {
      {TPC_COMPRESSOR, 56}, {TPC_MECHANISM, 40}, {TPC_OPTIMIZER, 32}, {TPC_PROBLEM, 56}, {TPC_TRANSPORT, 96}};
  for (const auto& [kind, size] : first) EXPECT_EQ(find_kind(kind)->least, size) << kind_name(kind);
}

}  // namespace
}  // namespace threepc
