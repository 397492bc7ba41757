/* A compressor without fault, for the cases of this folder to spoil in one place each. All of them must be refused
 * before any of their functions runs, so every function here ends the process. */
#ifndef SOUND_H
#define SOUND_H

#include <threepc/abi.h>

static inline tpc_status never_create(const tpc_host* host, const tpc_setup* setup, void** self, tpc_error* error) {
  (void)host, (void)setup, (void)self, (void)error;
  __builtin_trap();
}
static inline void never_destroy(void* self) {
  (void)self;
  __builtin_trap();
}
static inline tpc_status never_constants(void* self, tpc_constants* out, tpc_error* error) {
  (void)self, (void)out, (void)error;
  __builtin_trap();
}
static inline uint64_t never_max_payload(void* self) {
  (void)self;
  __builtin_trap();
}
static inline tpc_status never_encode(void* self, const tpc_context* context, const void* a, const void* b,
                                      tpc_buffer* out, tpc_error* error) {
  (void)self, (void)context, (void)a, (void)b, (void)out, (void)error;
  __builtin_trap();
}
static inline tpc_status never_accumulate(void* self, const tpc_context* context, const uint8_t* payload, size_t size,
                                          const tpc_sum* out, uint64_t* values, tpc_error* error) {
  (void)self, (void)context, (void)payload, (void)size, (void)out, (void)values, (void)error;
  __builtin_trap();
}

#define SOUND_TABLE                                                                        \
  .struct_size = sizeof(tpc_compressor), .create = never_create, .destroy = never_destroy, \
  .constants = never_constants, .max_payload = never_max_payload, .encode = never_encode,  \
  .accumulate = never_accumulate

#define SOUND_DESCRIPTOR(functions)                                                                  \
  .struct_size = sizeof(tpc_descriptor), .kind = TPC_COMPRESSOR, .id = "spoilt", .version = "1.0.0", \
  .summary = "Sound but for one place.", .paper = "", .dtypes = TPC_F32 | TPC_F64, .table = &(functions)

#define SOUND_PARAM                                                                                                \
  .struct_size = sizeof(tpc_param), .type = TPC_REAL, .key = "zeta", .doc = "A number.", .unit = "", .minimum = 0, \
  .maximum = 1

#define SOUND_ENTRY(list)                                                                                           \
  .magic = TPC_ABI_MAGIC, .abi_major = TPC_ABI_MAJOR, .abi_minor = TPC_ABI_MINOR, .struct_size = sizeof(tpc_entry), \
  .descriptor_count = sizeof(list) / sizeof(*(list)), .descriptors = (list)

#define EXPORTED __attribute__((visibility("default")))

/* The usual end of a case: one compressor whose descriptor is the argument's initialisers. */
#define ONE_DESCRIPTOR(...)                                         \
  static const tpc_descriptor descriptor = {__VA_ARGS__};           \
  static const tpc_descriptor* const descriptors[] = {&descriptor}; \
  EXPORTED const tpc_entry tpc_entry_v1 = {SOUND_ENTRY(descriptors)}

#endif
