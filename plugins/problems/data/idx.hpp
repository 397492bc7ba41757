// IDX files, the format of MNIST (http://yann.lecun.com/exdb/mnist): big-endian; 0, 0, type, number of dimensions, the
// dimensions as u32, then the values in row-major order.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "file_text.hpp"

/// Images of unsigned bytes. Any thread.
class IdxImages {
 public:
  /// The workers of one process share what they read, as long as somebody holds it. Plain or compressed (FileText).
  /// Throws tpc::Error with TPC_IO, or TPC_CORRUPT and "FILE: expected ..., seen ..." for another magic number than
  /// 00 00 08 03, a dimension of 0, more than 2^24 pixels an image, or another size than announced.
  static std::shared_ptr<const IdxImages> open(const std::string& file);
  explicit IdxImages(const std::string& file);

  const std::string& name() const { return name_; }
  std::uint32_t count() const { return count_; }
  std::uint32_t pixels() const { return pixels_; }  // of one image
  std::uint64_t digest() const { return digest_; }  // of the file, decompressed
  std::span<const std::uint8_t> image(std::uint32_t number) const;

 private:
  std::string name_;
  FileText text_;
  std::uint64_t digest_;
  std::uint32_t count_ = 0;
  std::uint32_t pixels_ = 0;
};

struct IdxLabels {
  std::vector<double> labels = {};
  std::uint64_t digest = 0;  // of the file, decompressed
};

/// The labels of so many images, from a file with the magic number 00 00 08 01. Throws as IdxImages does, and
/// TPC_CORRUPT for another number of labels.
IdxLabels read_idx_labels(const std::string& file, std::uint32_t images);

/// Images and labels are one data set.
std::uint64_t digest_of(const IdxImages& images, const IdxLabels& labels);

/// Whether the file, decompressed, begins as IDX files of images do.
bool is_idx_images(const std::string& file);
