#include "sound.h"

static const tpc_compressor table = {SOUND_TABLE};
ONE_DESCRIPTOR(SOUND_DESCRIPTOR(table), .struct_size = 40);
