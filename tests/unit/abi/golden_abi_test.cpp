// The same numbers as golden_abi.c, seen by a C++ compiler, plus what only a running program can tell.
#include <gtest/gtest.h>
#include <threepc/abi.h>

#include <cstring>
#include <set>
#include <string>
#include <type_traits>

extern "C" const tpc_entry* entry_written_in_c(void);

namespace {

TEST(Abi, LayoutIsGolden) {
#define SIZE(type, bytes) EXPECT_EQ(sizeof(type), std::size_t{bytes}) << #type;
#define MEMBER(type, member, at) EXPECT_EQ(offsetof(type, member), std::size_t{at}) << #type "." #member;
#define VALUE(name, value) EXPECT_EQ(std::uint64_t{name}, std::uint64_t{value}) << #name;
#include "layout.def"
#undef SIZE
#undef MEMBER
#undef VALUE
}

// What lets a struct grow: its reader finds out from the first member how much of it there is. The exceptions
// are owned by one side for the length of a call (tpc_buffer) or begin with the magic number (tpc_entry).
TEST(Abi, StructsStartWithTheirSize) {
  std::set<std::string> all, sized;
#define SIZE(type, bytes)                                   \
  static_assert(std::is_standard_layout_v<type>, #type);    \
  static_assert(std::is_trivially_copyable_v<type>, #type); \
  all.insert(#type);
#define MEMBER(type, member, at) \
  if (std::strcmp(#member, "struct_size") == 0 && (at) == 0) sized.insert(#type);
#define VALUE(name, value)
#include "layout.def"
#undef SIZE
#undef MEMBER
#undef VALUE
  std::set<std::string> unsized = all;
  for (const std::string& name : sized) unsized.erase(name);
  EXPECT_EQ(unsized, (std::set<std::string>{"tpc_buffer", "tpc_entry"}));
}

TEST(Abi, MagicReadsAsTextInTheFile) {
  const std::uint32_t magic = TPC_ABI_MAGIC;
  EXPECT_EQ(std::memcmp(&magic, "T3PC", 4), 0);
}

TEST(Abi, AnEntryWrittenInCIsTheSameObjectInCpp) {
  const tpc_entry& entry = *entry_written_in_c();
  EXPECT_EQ(entry.magic, TPC_ABI_MAGIC);
  EXPECT_EQ(entry.abi_major, TPC_ABI_MAJOR);
  EXPECT_EQ(entry.struct_size, sizeof(tpc_entry));
  EXPECT_EQ(entry.descriptors, nullptr);
}

}  // namespace
