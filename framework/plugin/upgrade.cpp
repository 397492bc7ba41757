#include "plugin/upgrade.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "plugin/kinds.hpp"

namespace threepc {
namespace {

struct Upgraded {
  tpc_descriptor descriptor;
  std::vector<std::max_align_t> table;
};

/// What `from` has of `size` bytes, zeros behind.
void copy_sized(void* to, std::size_t size, const void* from, std::uint32_t known) {
  std::memset(to, 0, size);
  std::memcpy(to, from, std::min<std::size_t>(size, known));
}

std::unique_ptr<Upgraded> upgrade(const tpc_descriptor& old) {
  auto made = std::make_unique<Upgraded>();
  copy_sized(&made->descriptor, sizeof(tpc_descriptor), &old, old.struct_size);
  const std::size_t size = find_kind(old.kind)->size;
  std::uint32_t known = 0;  // every table begins with its struct_size
  std::memcpy(&known, old.table, sizeof known);
  made->table.resize((size + sizeof(std::max_align_t) - 1) / sizeof(std::max_align_t));
  copy_sized(made->table.data(), size, old.table, known);
  made->descriptor.table = made->table.data();
  if (made->descriptor.theory == nullptr) made->descriptor.theory = "";
  return made;
}

}  // namespace

const tpc_descriptor* upgraded(const tpc_descriptor& descriptor) {
  static std::mutex mutex;
  static auto* const all = new std::map<const tpc_descriptor*, std::unique_ptr<Upgraded>>;  // as plugins, for good
  const std::lock_guard lock(mutex);
  std::unique_ptr<Upgraded>& known = (*all)[&descriptor];
  if (known == nullptr) known = upgrade(descriptor);
  return &known->descriptor;
}

}  // namespace threepc
