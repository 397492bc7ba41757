// The readers of framework/graph, which this library is built with, and the boundary, which knows other errors.
#pragma once

#include <threepc/sdk/error.hpp>

#include "failure.hpp"

/// What `read`, which reads a file, returns; the message of its Failure names file and line.
template <class Read>
auto reading(Read read) {
  try {
    return read();
  } catch (const threepc::Failure& failure) {
    throw tpc::Corrupt(failure.what());
  }
}
