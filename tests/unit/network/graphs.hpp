// Graphs of the reference's tables, and configurations of runs on them.
#pragma once

#include <cstdint>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "config/run_config.hpp"
#include "network/digraph.hpp"

namespace threepc::test {

/// splitmix64 (Steele, Lea, Flood 2014), by which the reference draws.
class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) : state_(seed) {}
  double uniform() {
    state_ += 0x9E3779B97F4A7C15;
    std::uint64_t z = (state_ ^ (state_ >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }

 private:
  std::uint64_t state_;
};

/// "ring:8", "exp:10", "random:10:0.15:7": n workers and their links.
struct NamedGraph {
  explicit NamedGraph(const std::string& text) {
    std::istringstream in(text);
    std::string kind, number, probability, seed;
    std::getline(in, kind, ':'), std::getline(in, number, ':'), std::getline(in, probability, ':'), in >> seed;
    workers = static_cast<std::uint32_t>(std::stoul(number));
    for (std::uint32_t i = 0; i < workers && workers > 1 && kind != "exp"; ++i) links.emplace(i, (i + 1) % workers);
    for (std::uint32_t hop = 1; hop < workers && kind == "exp"; hop *= 2)
      for (std::uint32_t i = 0; i < workers; ++i) links.emplace(i, (i + hop) % workers);
    if (kind == "random") add_randomly(std::stod(probability), std::stoull(seed));
  }

  std::string text() const {
    std::ostringstream out;
    for (const auto& [from, to] : links) out << from << ' ' << to << '\n';
    return out.str();
  }
  std::vector<tpc::Link> list() const {
    std::vector<tpc::Link> out;
    for (const auto& [from, to] : links) out.push_back({from, to});
    return out;
  }

  std::uint32_t workers = 0;
  std::set<std::pair<std::uint32_t, std::uint32_t>> links;

 private:
  void add_randomly(double probability, std::uint64_t seed) {
    SplitMix random(seed);
    for (std::uint32_t from = 0; from < workers; ++from)
      for (std::uint32_t to = 0; to < workers; ++to)
        if (from != to && random.uniform() < probability) links.emplace(from, to);
  }
};

}  // namespace threepc::test
