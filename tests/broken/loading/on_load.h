/* A compressor without fault in a file whose initialiser does something as soon as the file is mapped. */
#ifndef ON_LOAD_H
#define ON_LOAD_H

#include "sound.h"

#define ON_LOAD(statement)                                                      \
  __attribute__((constructor)) static void at_once(void) { (void)(statement); } \
  static const tpc_compressor table = {SOUND_TABLE};                            \
  ONE_DESCRIPTOR(SOUND_DESCRIPTOR(table), .id = "on-load")

#endif
