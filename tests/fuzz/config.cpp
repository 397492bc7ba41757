// A run's configuration from anywhere, over the built-in plugins.
#include "config/run_config.hpp"
#include "failure.hpp"
#include "memory_file.hpp"

namespace {

using namespace threepc;

/// What config.toml of a run directory promises: the same run.
void check_rerun(const RunConfig& config) {
  const std::string complete = to_toml(config);
  const fuzz::MemoryFile file(complete);
  const RunConfig again = load_config(file.name(), {});
  fuzz::promise(to_toml(again) == complete, "the complete configuration is complete");
  fuzz::promise(agreement(again) == agreement(config), "workers agree on it");
}

std::optional<RunConfig> load(const fuzz::MemoryFile& file) {
  try {
    return load_config(file.name(), {});
  } catch (const Failure& failure) {
    fuzz::promise_message(failure.what());
    const bool known = failure.code() == Exit::usage || failure.code() == Exit::data || failure.code() == Exit::plugin;
    fuzz::promise(known, "a wrong configuration has the exit code of one");
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file({data, size});
  if (const std::optional<RunConfig> config = load(file)) check_rerun(*config);
  return 0;
}
