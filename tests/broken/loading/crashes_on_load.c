#define _POSIX_C_SOURCE 200809L
#include <signal.h>

#include "on_load.h"

ON_LOAD(raise(SIGSEGV));
