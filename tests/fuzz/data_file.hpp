// A data file from anywhere, as the readers of problems get it.
#pragma once

#include <threepc/sdk/error.hpp>

#include "memory_file.hpp"

namespace threepc::fuzz {

/// Runs `body`, which reads one; an error must blame the file.
template <class Body>
void read_data(Body body) {
  try {
    body();
  } catch (const tpc::Error& error) {
    promise_message(error.what());
    promise(error.status() == TPC_CORRUPT, "malformed data is called that");
  }
}

}  // namespace threepc::fuzz
