#include <fenv.h>

#include "on_load.h"

ON_LOAD(fesetround(FE_UPWARD));
