// The program's three standard streams, whatever state it was started with.
#pragma once

#include "failure.hpp"

namespace threepc::cli {

/// To be called before anything is opened. Descriptors 0 to 2 that are closed are opened on /dev/null, or the next file
/// that is opened would get what is printed. A reader that goes away and a limit on the size of files become errors of
/// the call that writes: neither ends the program.
void make_streams_safe();

/// To be called last: what was printed has reached standard output, or the program says that it has not and ends with
/// Exit::unexpected if it ended well so far.
Exit require_printed(Exit code);

}  // namespace threepc::cli
