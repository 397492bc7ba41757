// The parameters of a problem on LIBSVM data.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <threepc/sdk.hpp>

#include "libsvm.hpp"
#include "split.hpp"

struct LibsvmOptions : SplitOptions {
  tpc::Path data;
  std::optional<std::int64_t> features;

  std::shared_ptr<const LibsvmFile> open() const {
    const auto count = features ? std::optional(static_cast<std::uint32_t>(*features)) : std::nullopt;
    return LibsvmFile::open(std::string(data.file), count);
  }
};

/// For an options struct that derives from LibsvmOptions.
template <class Options>
constexpr auto data_param(const char* doc) {
  return tpc::param<&LibsvmOptions::data, Options>("data", doc, {.required = true});
}
template <class Options>
constexpr auto features_param() {
  return tpc::param<&LibsvmOptions::features, Options>("features",
                                                       "number of features; default: the largest index in the file",
                                                       {.minimum = 1, .maximum = 4294967294.0});
}
