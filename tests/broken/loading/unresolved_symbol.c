#include "sound.h"

extern tpc_status function_that_no_library_defines(void* self);
static const tpc_compressor table = {SOUND_TABLE};
EXPORTED tpc_status (*const needs)(void* self) = function_that_no_library_defines;
ONE_DESCRIPTOR(SOUND_DESCRIPTOR(table));
