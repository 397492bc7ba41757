#include "scratch_folder.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "failure.hpp"

namespace fs = std::filesystem;

namespace {

fs::path fresh_folder() {
  std::string name = (fs::canonical(fs::temp_directory_path()) / "config-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
  return name;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

}  // namespace

ScratchFolder::ScratchFolder() : folder_(fresh_folder()), before_(fs::current_path()) {
  fs::current_path(folder_);
  setenv("THREEPC_PLUGIN_PATH", THREEPC_TEST_BINARIES "/plugins", 1);
  unsetenv("THREEPC_DATA");
}

ScratchFolder::~ScratchFolder() {
  fs::current_path(before_);
  fs::remove_all(folder_);
}

void ScratchFolder::write(const std::string& file, std::string_view text) const {
  const fs::path path = folder_ / file;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

threepc::RunConfig ScratchFolder::load(std::string_view toml, const std::vector<std::string>& overrides,
                                       const std::string& out) const {
  write("run.toml", toml);
  return threepc::load_config("run.toml", overrides, out);
}

std::string ScratchFolder::refusal(std::string_view toml, const std::vector<std::string>& overrides) const {
  try {
    load(toml, overrides);
  } catch (const threepc::Failure& failure) {
    std::string text = "exit " + std::to_string(static_cast<int>(failure.code())) + "\n" + failure.what();
    replace_all(text, folder_.string(), "$DIR");
    replace_all(text, THREEPC_TEST_BINARIES, "$BIN");
    return text;
  }
  return "accepted";
}
