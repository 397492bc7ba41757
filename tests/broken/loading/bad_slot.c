#include "sound.h"

static const tpc_compressor table = {SOUND_TABLE};
static const tpc_slot slot = {
    .struct_size = sizeof(tpc_slot), .kind = TPC_MECHANISM, .key = "inner", .doc = "A child."};
static const tpc_slot* const slots[] = {&slot};
ONE_DESCRIPTOR(SOUND_DESCRIPTOR(table), .slots = slots, .slot_count = 1);
