// The kinds of plugins. A kind is a row here, a function table in abi.h, and a file with its handle.
#pragma once

#include <threepc/abi.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace threepc {

/// A function that a table must have.
struct RequiredFunction {
  const char* name;
  std::size_t offset;  // of its pointer in the table
};

struct Kind {
  tpc_kind id;
  const char* name;     // "compressor"
  const char* section;  // the table of a configuration that names one
  const char* key;      // in it, by which a plugin is named
  std::uint32_t takes;  // the kinds that its slots may take: bits 1 << kind
  std::size_t least;    // the size of its function table in minor version 0 of the boundary
  std::size_t size;     // and now
  std::span<const RequiredFunction> required;
};

/// All, in the order in which people are shown them.
std::span<const Kind> kinds();
/// nullptr: there is none of this number.
const Kind* find_kind(tpc_kind id);
/// "compressor", "mechanism", ... for messages and folder names; "plugin" for what is none.
const char* kind_name(tpc_kind kind);

}  // namespace threepc
