#include "sound.h"

static const tpc_compressor table = {SOUND_TABLE, .encode = NULL};
ONE_DESCRIPTOR(SOUND_DESCRIPTOR(table));
