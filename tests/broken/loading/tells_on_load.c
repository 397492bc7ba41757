#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>

#include "on_load.h"

ON_LOAD(setenv("THREEPC_TEST_MAPPED", "yes", 1));
