// A mechanism of a tree and what sits in its slots. For the files that define MechanismTree and Encoder.
#pragma once

#include <cmath>
#include <memory>
#include <vector>

#include "method/mechanism_tree.hpp"

namespace threepc {

/// In a slot is a compressor, by its codec number, or another mechanism.
struct MechanismTree::Node {
  struct Slot {
    std::uint32_t codec = 0;
    std::unique_ptr<Node> inner;
  };

  Node(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
      : mechanism(spec, membership, stream) {}

  tpc::Constants constants(const MechanismTree& tree) const {
    std::vector<tpc::Constants> children;
    for (const Slot& slot : slots)
      children.push_back(slot.inner ? slot.inner->of_each_worker(tree) : tree.codecs_[slot.codec - 1]->constants());
    return mechanism.constants(children);
  }

  /// What an outer mechanism may build on: its inequality is about one worker's h, about which constants that bound
  /// the aggregate say nothing.
  tpc::Constants of_each_worker(const MechanismTree& tree) const {
    const bool aggregate = (mechanism.spec().descriptor->capabilities & TPC_BOUNDS_AGGREGATE) != 0;
    return aggregate ? tpc::Constants{} : constants(tree);
  }

  std::uint32_t capabilities() const {
    std::uint32_t all = mechanism.spec().descriptor->capabilities;
    for (const Slot& slot : slots)
      if (slot.inner) all |= slot.inner->capabilities();
    return all;
  }

  void list_state(const MechanismTree& tree, std::vector<RawVector*>& out) {
    for (RawVector& vector : state) out.push_back(&vector);
    for (const Slot& slot : slots) {
      if (slot.inner)
        slot.inner->list_state(tree, out);
      else
        for (RawVector* vector : tree.codecs_[slot.codec - 1]->state()) out.push_back(vector);
    }
  }

  Mechanism mechanism;
  std::vector<Slot> slots;
  std::vector<RawVector> state;
  std::vector<void*> state_pointers;
};

}  // namespace threepc
