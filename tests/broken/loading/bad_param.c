#include "sound.h"

static const tpc_compressor table = {SOUND_TABLE};
static const tpc_param param = {SOUND_PARAM, .flags = TPC_PARAM_HAS_DEFAULT,
                                .preset = {.struct_size = sizeof(tpc_value), .is_set = 1, .type = TPC_REAL, .real = 7}};
static const tpc_param* const params[] = {&param};
ONE_DESCRIPTOR(SOUND_DESCRIPTOR(table), .params = params, .param_count = 1);
