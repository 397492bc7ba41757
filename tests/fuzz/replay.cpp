// Every file of the given folders through the target, once: what libFuzzer does with -runs=0, for builds without it.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "target.hpp"

namespace fs = std::filesystem;

namespace {

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(in), {});
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return bytes;
}

std::size_t replay(const fs::path& folder) {
  std::size_t files = 0;
  for (const auto& item : fs::directory_iterator(folder)) {
    std::printf("%s\n", item.path().c_str());
    std::fflush(stdout);  // the last line is the culprit, should this one end the process
    const std::string bytes = bytes_of(item.path());
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    ++files;
  }
  return files;
}

}  // namespace

int main(int count, char** folders) {
  std::size_t files = 0;
  for (int i = 1; i < count; ++i) files += replay(folders[i]);
  std::printf("%zu inputs\n", files);
  return files > 0 ? 0 : 1;
}
