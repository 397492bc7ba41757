/* abi.h as a C11 compiler sees it: it must be C, and lay its structs out as layout.def says. */
#include <threepc/abi.h>

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "the size of " #type " changed");
#define MEMBER(type, member, at) \
  _Static_assert(offsetof(type, member) == (at), #type "." #member " moved: old plugins would read garbage");
#define VALUE(name, value) _Static_assert((name) == (value), #name " changed its value");
#include "layout.def"

/* A plugin in C can write its entry as a constant object. */
static const tpc_entry entry = {TPC_ABI_MAGIC, TPC_ABI_MAJOR, TPC_ABI_MINOR, sizeof(tpc_entry), 0, NULL};

const tpc_entry* entry_written_in_c(void) { return &entry; }
