#include "sound.h"

/* Without fault; two files are built from it, which is the fault. */
static const tpc_compressor table = {SOUND_TABLE};
ONE_DESCRIPTOR(SOUND_DESCRIPTOR(table), .id = "offered-twice");
