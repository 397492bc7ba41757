#include "sound.h"

static const tpc_compressor table = {SOUND_TABLE};
static const tpc_descriptor descriptor = {SOUND_DESCRIPTOR(table)};
static const tpc_descriptor* const descriptors[] = {&descriptor};
EXPORTED const tpc_entry tpc_entry_v1 = {SOUND_ENTRY(descriptors), .magic = 0xFEEDFACE};
