#define _POSIX_C_SOURCE 200809L
#include <unistd.h>

#include "on_load.h"

ON_LOAD(sleep(3600));
