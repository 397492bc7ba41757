#include "sound.h"

static const tpc_compressor table = {SOUND_TABLE};
EXPORTED const tpc_compressor* unrelated(void) { return &table; }
