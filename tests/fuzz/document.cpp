// A TOML file from anywhere and, after the first zero byte, one --set of the command line.
#include "config/document.hpp"

#include "failure.hpp"
#include "memory_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace threepc;
  const std::string all(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(all.find('\0'), size);
  const fuzz::MemoryFile file(all.substr(0, end));
  try {
    Node document = read_document(file.name(), {});
    fuzz::promise(document.table() != nullptr, "a document is a table");
    if (end < size) override_document(document, {all.substr(end + 1)});
    fuzz::promise(document.table() != nullptr, "and stays one");
  } catch (const Failure& failure) {
    fuzz::promise_message(failure.what());
    fuzz::promise(failure.code() == Exit::usage, "a malformed configuration is the user's fault");
  }
  return 0;
}
