#include "sound.h"

static const tpc_descriptor* const descriptors[] = {NULL};
EXPORTED const tpc_entry tpc_entry_v1 = {SOUND_ENTRY(descriptors)};
