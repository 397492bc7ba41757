#include "sound.h"

static const tpc_compressor table = {SOUND_TABLE};
static const tpc_descriptor first = {SOUND_DESCRIPTOR(table)};
static const tpc_descriptor second = {SOUND_DESCRIPTOR(table), .version = "2.0.0"};
static const tpc_descriptor* const descriptors[] = {&first, &second};
EXPORTED const tpc_entry tpc_entry_v1 = {SOUND_ENTRY(descriptors)};
