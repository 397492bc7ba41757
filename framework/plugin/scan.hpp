// What plugin files offer, found out in a child process, because mapping a file runs its code.
#pragma once

#include <threepc/abi.h>

#include <string>
#include <vector>

namespace threepc {

/// A plugin that a file offers.
struct Offer {
  tpc_kind kind;
  std::string id;
  std::vector<std::string> keys;  // of its parameters
  std::string file;
};

struct ScannedFile {
  std::vector<Offer> offers;
  std::string reason;  // why the file cannot be used, with its name; "" if it can
};

/// One result for each file, in order. The files are mapped and checked in a child that has no output; one that ends the
/// child or is not done within 10 s is told of as unusable, and the others go on in another child. An unchanged file is
/// looked at once in a process. Any thread. Throws Failure(Exit::unexpected) if the system has no process to give.
std::vector<ScannedFile> scan_files(const std::vector<std::string>& files);

}  // namespace threepc
