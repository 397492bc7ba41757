// A folder of its own for each test, which is also the current folder, with the test plugins in reach.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/run_config.hpp"

class ScratchFolder : public testing::Test {
 protected:
  ScratchFolder();
  ~ScratchFolder() override;

  /// Writes a file below the folder, with the folders on the way to it.
  void write(const std::string& file, std::string_view text) const;

  /// Writes run.toml and loads it.
  threepc::RunConfig load(std::string_view toml, const std::vector<std::string>& overrides = {},
                          const std::string& out = "") const;

  /// "exit 2\nrun.toml:1:1: ..." for a configuration that must be refused, with the folder's name replaced by
  /// $DIR; "accepted" if it is not.
  std::string refusal(std::string_view toml, const std::vector<std::string>& overrides = {}) const;

  const std::filesystem::path folder_;

 private:
  const std::filesystem::path before_;
};

/// The smallest complete configuration.
inline constexpr std::string_view smallest = R"([problem]
plugin = "toy"
dim = 4
[mechanism]
plugin = "plain"
)";
