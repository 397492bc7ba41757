#include "method/mechanism_tree.hpp"

#include <cmath>
#include <utility>

#include "method/mechanism_node.hpp"
#include "plugin/streams.hpp"
#include "vector/arithmetic.hpp"

namespace threepc {

MechanismTree::MechanismTree(const PluginSpec& spec, const Membership& membership, Role role)
    : membership_(membership), role_(role), root_(build(spec)) {
  const double keep = static_cast<float>(constants().keep);  // f32, so that 1 - keep is exact
  keep_ = std::isnan(keep) ? 0 : keep;
}
MechanismTree::~MechanismTree() = default;
MechanismTree::MechanismTree(MechanismTree&&) noexcept = default;

/// Depth first, so that both ends number codecs and streams alike.
std::unique_ptr<MechanismTree::Node> MechanismTree::build(const PluginSpec& spec) {
  auto node = std::make_unique<Node>(spec, membership_, streams::mechanisms + instances_++);
  for (std::size_t i = 0; i < spec.children.size(); ++i) {
    const PluginSpec& child = spec.children[i];
    Node::Slot slot;
    if (child.descriptor->kind == TPC_MECHANISM) {
      slot.inner = build(child);
      if (!std::isnan(slot.inner->constants(*this).keep))
        throw Failure(Exit::usage, child.place + ": '" + child.descriptor->id +
                                       "' lends what it sends for one round, so it cannot be inside another mechanism");
    } else {
      if (codecs_.size() == most_codecs)
        throw Failure(Exit::usage, child.place + ": more than 31 compressors in one mechanism");
      codecs_.push_back(std::make_unique<Compressor>(child, membership_, streams::mechanisms + instances_, role_));
      instances_ += Compressor::streams(child);
      slot.codec = static_cast<std::uint32_t>(codecs_.size());
      require_class(slot_of(*spec.descriptor, i), child, codecs_.back()->constants());
    }
    node->slots.push_back(std::move(slot));
  }
  if (role_ == Role::encoder)
    for (std::uint32_t i = 0; i < spec.descriptor->state_vectors; ++i)
      node->state.emplace_back(membership_.dtype, membership_.dim);
  for (RawVector& vector : node->state) node->state_pointers.push_back(vector.data());
  return node;
}

tpc::Constants MechanismTree::constants() const { return root_->constants(*this); }

std::uint64_t MechanismTree::longest_program() const {
  constexpr std::uint64_t times = 4, header = 8;
  std::uint64_t each = header + std::uint64_t{membership_.dim} * size_of(membership_.dtype);
  for (const auto& codec : codecs_) each += header + codec->max_payload();
  return times * each;
}

std::uint32_t MechanismTree::capabilities() const { return root_->capabilities(); }
std::string MechanismTree::name() const { return root_->mechanism.name(); }

void MechanismTree::apply(const Operation& operation, std::uint64_t round, std::uint32_t worker,
                          TrackedVector& h) const {
  if (operation.kind == OperationKind::reset) h.clear();
  replay(operation, round, worker, h.target());
  if (operation.kind == OperationKind::lend) replay(operation, round, worker, h.loan().target());
}

void MechanismTree::replay(std::span<const std::uint8_t> program, std::uint64_t round, std::uint32_t worker,
                           TrackedVector& h) const {
  h.take_back(keep_);
  for (const Operation& operation : parse_program(program)) apply(operation, round, worker, h);
}

std::uint64_t MechanismTree::replay(const Operation& operation, std::uint64_t round, std::uint32_t worker,
                                    const tpc_sum& target) const {
  if (operation.codec == dense_codec) {
    add_dense(operation.payload, target);
    return membership_.dim;
  }
  if (operation.codec > codecs_.size())
    throw Failure(Exit::peer, "malformed message: codec " + std::to_string(operation.codec) + " of " +
                                  std::to_string(codecs_.size()));
  const Compressor& by = *codecs_[operation.codec - 1];
  return by.accumulate(by.context(round, worker, NAN), operation.payload, target);
}

std::string MechanismTree::culprit(std::uint64_t round, std::uint32_t worker,
                                   std::span<const std::uint8_t> message) const {
  for (const Operation& operation : parse_program(message)) {
    RawVector decoded(membership_.dtype, membership_.dim);
    replay(operation, round, worker,
           {sizeof(tpc_sum), membership_.dtype, membership_.dim, 0, decoded.data(), nullptr, 1.0});
    if (largest_magnitude(decoded) < moderate_magnitude(membership_.dtype)) continue;
    return operation.codec == dense_codec ? name() : codecs_[operation.codec - 1]->name();
  }
  return "";
}

void MechanismTree::add_dense(std::span<const std::uint8_t> payload, const tpc_sum& target) const {
  if (payload.size() != membership_.dim * size_of(membership_.dtype))
    throw Failure(Exit::peer, "malformed message: a dense payload of " + std::to_string(payload.size()) +
                                  " bytes for d = " + std::to_string(membership_.dim));
  add_values(membership_.dtype, payload, target);
}

}  // namespace threepc
