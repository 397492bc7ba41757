#include "sound.h"

static const tpc_compressor table = {SOUND_TABLE, .struct_size = 32};
ONE_DESCRIPTOR(SOUND_DESCRIPTOR(table));
