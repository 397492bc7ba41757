// Images and labels in MNIST's format from anywhere, plain or compressed.
#include "data/idx.hpp"

#include "data_file.hpp"

namespace {

using threepc::fuzz::promise;
using threepc::fuzz::read_data;

/// Touches every pixel, so that a sanitizer sees where they lie.
void look_at(const IdxImages& images) {
  unsigned brightest = 0;
  for (std::uint32_t i = 0; i < images.count(); ++i)
    for (const std::uint8_t pixel : images.image(i)) brightest = std::max(brightest, unsigned{pixel});
  promise(images.pixels() > 0 && brightest <= 255, "an image has pixels");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const threepc::fuzz::MemoryFile input({data, size});
  read_data([&] { look_at(IdxImages(input.name())); });
  const auto announced = static_cast<std::uint32_t>(size < 8 ? 0 : size - 8);  // as many labels as a plain file has
  read_data(
      [&] { promise(read_idx_labels(input.name(), announced).labels.size() == announced, "each image has a label"); });
  return 0;
}
