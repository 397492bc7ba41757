// The secret by which the members of a run know each other.
#pragma once

namespace threepc {

/// Puts a fresh secret into THREEPC_TOKEN where the environment has none: workers that this process starts inherit it,
/// other users cannot read it there, and it appears in no file, log or command line. Call it before there are threads.
/// Throws Failure when the system gives no random numbers.
void draw_join_token();

}  // namespace threepc
