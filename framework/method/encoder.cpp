#include "method/encoder.hpp"

#include <cstring>
#include <exception>
#include <utility>

#include "method/mechanism_node.hpp"
#include "vector/arithmetic.hpp"

namespace threepc {
namespace {

/// Puts state vectors back to what they were: a preview leaves no trace.
class UnmovedState {
 public:
  explicit UnmovedState(std::vector<RawVector*> vectors) : vectors_(std::move(vectors)) {
    for (const RawVector* vector : vectors_) before_.push_back(*vector);
  }
  UnmovedState(const UnmovedState&) = delete;
  ~UnmovedState() {
    for (std::size_t i = 0; i < vectors_.size(); ++i)
      std::memcpy(vectors_[i]->data(), before_[i].data(), before_[i].size_bytes());
  }

 private:
  std::vector<RawVector*> vectors_;
  std::vector<RawVector> before_;
};

}  // namespace

/// One propose in progress: what stands behind tpc_program. A failure of the host's side waits here until the
/// plugin has returned, because exceptions do not cross the boundary.
struct Encoder::Emission {
  Encoder& tree;
  Node* node;
  std::uint64_t round;
  double stepsize;
  const void* y;
  const void* x;
  ProgramWriter writer;
  std::vector<std::uint8_t> scratch;
  std::exception_ptr failure;
  Measurement* measurement;

  static Emission& from(tpc_program* program) { return *static_cast<Emission*>(program->host_data); }

  template <class Body>
  static tpc_status attempt(tpc_program* program, Body&& body) noexcept {
    Emission& self = from(program);
    try {
      body(self);
      return TPC_OK;
    } catch (...) {
      if (!self.failure) self.failure = std::current_exception();
      return TPC_INTERNAL;
    }
  }

  [[noreturn]] void misused(const std::string& what) const {
    throw Failure(Exit::plugin,
                  node->mechanism.name() + " misbehaved: " + what + " (" + node->mechanism.spec().file + ")");
  }

  Node::Slot& slot(std::uint32_t index) const {
    if (index >= node->slots.size())
      misused("it uses slot " + std::to_string(index) + ", but declares " + std::to_string(node->slots.size()));
    return node->slots[index];
  }

  const Compressor& compressor(std::uint32_t index) const {
    const std::uint32_t codec = slot(index).codec;
    if (codec == dense_codec) misused("it compresses with slot " + std::to_string(index) + ", which holds a mechanism");
    return *tree.codecs_[codec - 1];
  }

  void require_vector(const void* a) const {
    if (a == nullptr) misused("it passes a null vector");
  }

  void emit(OperationKind kind, std::uint32_t index, const void* a, const void* b) {
    require_vector(a);
    const Compressor* const by = index == TPC_DENSE ? nullptr : &compressor(index);
    writer.begin(kind, by == nullptr ? dense_codec : node->slots[index].codec);
    if (by == nullptr)
      append_difference(tree.membership_.dtype, tree.membership_.dim, a, b, writer.bytes());
    else
      by->encode(by->context(round, tree.membership_.worker, stepsize), a, b, writer.bytes());
    const auto payload = std::span<const std::uint8_t>(writer.bytes()).subspan(writer.payload_begin());
    const Operation operation = {kind, by == nullptr ? dense_codec : node->slots[index].codec, payload};
    if (measurement != nullptr && by != nullptr) measure(operation, a, b);
    tree.apply(operation, round, tree.membership_.worker, tree.h_);
    if (writer.bytes().size() > tree.longest_program())
      misused("its program of round " + std::to_string(round) + " has more than the " +
              std::to_string(tree.longest_program()) + " bytes that four times each of its operations have");
  }

  /// Decodes the payload by itself and compares. Before the operation moves h, which a and b may point into.
  void measure(const Operation& operation, const void* a, const void* b) {
    const Membership& m = tree.membership_;
    RawVector difference(m.dtype, m.dim), decoded(m.dtype, m.dim);
    subtract(a, b, difference);
    tree.replay(operation, round, m.worker, {sizeof(tpc_sum), m.dtype, m.dim, 0, decoded.data(), nullptr, 1.0});
    Measurement::Codec& codec = measurement->codecs[operation.codec - 1];
    codec.error += tree.distance(decoded.data(), difference.data());
    codec.size += norm_sq(difference);
  }

  static tpc_status add(tpc_program* program, std::uint32_t slot, const void* a, const void* b) noexcept {
    return attempt(program, [&](Emission& self) { self.emit(OperationKind::add, slot, a, b); });
  }

  static tpc_status reset(tpc_program* program, std::uint32_t slot, const void* a, const void* b) noexcept {
    return attempt(program, [&](Emission& self) {
      if ((self.node->mechanism.spec().descriptor->capabilities & (TPC_RESETS_TOGETHER | TPC_RESETS_ALONE)) == 0)
        self.misused("it resets h without declaring TPC_RESETS_TOGETHER or TPC_RESETS_ALONE");
      self.emit(OperationKind::reset, slot, a, b);
    });
  }

  static tpc_status lend(tpc_program* program, std::uint32_t slot, const void* a, const void* b) noexcept {
    return attempt(program, [&](Emission& self) {
      if (self.node != self.tree.root_.get()) self.misused("it lends from inside another mechanism");
      if ((self.tree.capabilities() & TPC_RESETS_ALONE) != 0)
        self.misused("it lends although it declares TPC_RESETS_ALONE");
      self.emit(OperationKind::lend, slot, a, b);
    });
  }

  static tpc_status run(tpc_program* program, std::uint32_t slot) noexcept {
    return attempt(program, [&](Emission& self) {
      Node* const outer = self.node;
      Node* const inner = self.slot(slot).inner.get();
      if (inner == nullptr) self.misused("it runs slot " + std::to_string(slot) + ", which holds a compressor");
      self.node = inner;
      self.tree.propose_at(*inner, self);
      self.node = outer;
    });
  }

  static tpc_status preview(tpc_program* program, std::uint32_t slot, const void* a, const void* b,
                            void* out) noexcept {
    return attempt(program, [&](Emission& self) {
      self.require_vector(a);
      self.require_vector(out);
      const Compressor& by = self.compressor(slot);
      const tpc_context context = by.context(self.round, self.tree.membership_.worker, self.stepsize);
      self.scratch.clear();
      const UnmovedState unmoved(by.state());
      by.encode(context, a, b, self.scratch);
      const Membership& m = self.tree.membership_;
      std::memset(out, 0, m.dim * size_of(m.dtype));
      by.accumulate(context, self.scratch, {sizeof(tpc_sum), m.dtype, m.dim, 0, out, nullptr, 1.0});
    });
  }
};

Encoder::Encoder(const PluginSpec& spec, const Membership& membership)
    : MechanismTree(spec, membership, Role::encoder), h_(membership.dtype, membership.dim) {}

std::vector<RawVector*> Encoder::state() const {
  std::vector<RawVector*> all;
  root_->list_state(*this, all);
  return all;
}

void Encoder::propose(std::uint64_t round, double stepsize, const void* y, const void* x,
                      std::vector<std::uint8_t>& message, Measurement* measurement) {
  h_.take_back(keep_);
  Emission emission{*this, root_.get(), round, stepsize, y, x, ProgramWriter(message), {}, nullptr, measurement};
  if (measurement != nullptr) {
    *measurement = {0, distance(h_.sum().data(), y), distance(x, y), {}};
    measurement->codecs.resize(codecs_.size());
  }
  propose_at(*root_, emission);
  if (measurement != nullptr) measurement->left = distance(h_.sum().data(), x);
}

void Encoder::propose_at(Node& node, Emission& emission) {
  tpc_program program = {
      sizeof(tpc_program), 0, &emission, Emission::add, Emission::reset, Emission::run, Emission::preview,
      Emission::lend};
  const tpc_points points = {sizeof(tpc_points), membership_.dim, h_.sum().data(),
                             emission.y,         emission.x,      node.state_pointers.data()};
  const tpc_context context = node.mechanism.context(emission.round, membership_.worker, emission.stepsize);
  try {
    node.mechanism.propose(context, points, program);
  } catch (const Failure&) {
    if (emission.failure) std::rethrow_exception(emission.failure);  // the cause, not what the plugin made of it
    throw;
  }
  if (emission.failure) std::rethrow_exception(emission.failure);
}

void Encoder::propose_initial(const void* x, std::vector<std::uint8_t>& message) {
  ProgramWriter writer(message);
  writer.begin(OperationKind::reset, dense_codec);
  append_difference(membership_.dtype, membership_.dim, x, nullptr, message);
  h_.clear();
  add_dense(std::span<const std::uint8_t>(message).subspan(writer.payload_begin()), h_.target());
}

/// ||a - b||^2
double Encoder::distance(const void* a, const void* b) const {
  return distance_sq(membership_.dtype, membership_.dim, a, b);
}

}  // namespace threepc
