#include "wire/mechanism_tree.hpp"

#include <cmath>
#include <cstring>
#include <exception>
#include <threepc/sdk/bytes.hpp>
#include <threepc/sdk/vectors.hpp>

namespace threepc {
namespace {

// Random streams 0 .. 15 are those of problem, optimizer and transport.
constexpr std::uint32_t first_stream = 16;

template <class T, class Sum>
void add_values(std::span<const std::uint8_t> payload, Sum sum) {
  tpc::Reader in(payload.data(), payload.size());
  const auto values = in.take<T>(sum.dim());
  in.finish();
  sum.add_run(0, sum.dim(), [&](std::size_t i) { return values[i]; });
}

/// As in a compressor's accumulate: without an error vector, additions round.
template <class T, class S>
void add_values_of(std::span<const std::uint8_t> payload, const tpc_sum& target) {
  if (target.error == nullptr)
    add_values<T>(payload, tpc::Sum<S, false>(target));
  else
    add_values<T>(payload, tpc::Sum<S, true>(target));
}

template <class T>
double distance_of(const void* a, const void* b, std::uint32_t dim) {
  const std::span<const T> left(static_cast<const T*>(a), dim);
  return b == nullptr ? tpc::norm_sq(left) : tpc::distance_sq(left, {static_cast<const T*>(b), dim});
}

template <class T>
void append_difference(const T* a, const T* b, std::size_t dim, std::vector<std::uint8_t>& out) {
  const std::size_t begin = out.size();
  out.resize(begin + dim * sizeof(T));
  for (std::size_t i = 0; i < dim; ++i) {
    const T value = b == nullptr ? a[i] : a[i] - b[i];
    std::memcpy(out.data() + begin + i * sizeof(T), &value, sizeof(T));
  }
}

}  // namespace

/// A mechanism and what sits in its slots: a codec number, or another mechanism.
struct MechanismTree::Node {
  struct Slot {
    std::uint32_t codec = 0;
    std::unique_ptr<Node> inner;
  };

  Node(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
      : mechanism(spec, membership, stream) {}

  TheoryConstants constants(const MechanismTree& tree) const {
    std::vector<TheoryConstants> children;
    for (const Slot& slot : slots)
      children.push_back(slot.inner ? slot.inner->of_each_worker(tree) : tree.codecs_[slot.codec - 1]->constants());
    return mechanism.constants(children);
  }

  /// What an outer mechanism may build on: its inequality is about one worker's h, about which constants that bound
  /// the aggregate say nothing.
  TheoryConstants of_each_worker(const MechanismTree& tree) const {
    const bool aggregate = (mechanism.spec().descriptor->capabilities & TPC_BOUNDS_AGGREGATE) != 0;
    return aggregate ? TheoryConstants{} : constants(tree);
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
struct MechanismTree::Emission {
  MechanismTree& tree;
  Node* node;
  std::uint64_t round;
  double stepsize;
  TrackedVector& h;
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
      tree.append_dense(a, b, writer.bytes());
    else
      by->encode(by->context(round, tree.membership_.worker, stepsize), a, b, writer.bytes());
    const auto payload = std::span<const std::uint8_t>(writer.bytes()).subspan(writer.payload_begin());
    const Operation operation = {kind, by == nullptr ? dense_codec : node->slots[index].codec, payload};
    if (measurement != nullptr && by != nullptr) measure(operation, a, b);
    tree.apply(operation, round, tree.membership_.worker, h);
    if (writer.bytes().size() > tree.longest_program())
      misused("its program of round " + std::to_string(round) + " has more than the " +
              std::to_string(tree.longest_program()) + " bytes that four times each of its operations have");
  }

  /// Decodes the payload by itself and compares. Before the operation moves h, which a and b may point into.
  void measure(const Operation& operation, const void* a, const void* b) {
    const Membership& m = tree.membership_;
    RawVector difference(m.dtype, m.dim), decoded(m.dtype, m.dim);
    tree.subtract_vectors(a, b, difference);
    tree.replay(operation, round, m.worker, {sizeof(tpc_sum), m.dtype, m.dim, 0, decoded.data(), nullptr, 1.0});
    Measurement::Codec& codec = measurement->codecs[operation.codec - 1];
    codec.error += tree.distance(decoded.data(), difference.data());
    codec.size += tree.distance(difference.data(), nullptr);
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

MechanismTree::MechanismTree(const PluginSpec& spec, const Membership& membership)
    : membership_(membership), root_(build(spec)) {
  const double keep = static_cast<float>(constants().keep);  // f32, so that 1 - keep is exact
  keep_ = std::isnan(keep) ? 0 : keep;
}
MechanismTree::~MechanismTree() = default;
MechanismTree::MechanismTree(MechanismTree&&) noexcept = default;

/// Depth first, so that both ends number codecs and streams alike.
std::unique_ptr<MechanismTree::Node> MechanismTree::build(const PluginSpec& spec) {
  auto node = std::make_unique<Node>(spec, membership_, first_stream + instances_++);
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
      codecs_.push_back(std::make_unique<Compressor>(child, membership_, first_stream + instances_));
      instances_ += Compressor::streams(child);
      slot.codec = static_cast<std::uint32_t>(codecs_.size());
      require_class(slot_of(*spec.descriptor, i), child, codecs_.back()->constants());
    }
    node->slots.push_back(std::move(slot));
  }
  if (membership_.worker != TPC_SERVER)
    for (std::uint32_t i = 0; i < spec.descriptor->state_vectors; ++i)
      node->state.emplace_back(membership_.dtype, membership_.dim);
  for (RawVector& vector : node->state) node->state_pointers.push_back(vector.data());
  return node;
}

TheoryConstants MechanismTree::constants() const { return root_->constants(*this); }
std::uint64_t MechanismTree::longest_program() const {
  constexpr std::uint64_t times = 4, header = 8;
  std::uint64_t each = header + std::uint64_t{membership_.dim} * size_of(membership_.dtype);
  for (const auto& codec : codecs_) each += header + codec->max_payload();
  return times * each;
}

std::uint32_t MechanismTree::capabilities() const { return root_->capabilities(); }
std::string MechanismTree::name() const { return root_->mechanism.name(); }

std::vector<RawVector*> MechanismTree::state() const {
  std::vector<RawVector*> all;
  root_->list_state(*this, all);
  return all;
}

void MechanismTree::propose(std::uint64_t round, double stepsize, TrackedVector& h, const void* y, const void* x,
                            std::vector<std::uint8_t>& message, Measurement* measurement) {
  h.take_back(keep_);
  Emission emission{*this, root_.get(), round, stepsize, h, y, x, ProgramWriter(message), {}, nullptr, measurement};
  if (measurement != nullptr) {
    *measurement = {0, distance(h.sum().data(), y), distance(x, y), {}};
    measurement->codecs.resize(codecs_.size());
  }
  propose_at(*root_, emission);
  if (measurement != nullptr) measurement->left = distance(h.sum().data(), x);
}

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

void MechanismTree::propose_at(Node& node, Emission& emission) {
  tpc_program program = {
      sizeof(tpc_program), 0, &emission, Emission::add, Emission::reset, Emission::run, Emission::preview,
      Emission::lend};
  const tpc_points points = {sizeof(tpc_points), membership_.dim, emission.h.sum().data(),
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

void MechanismTree::propose_initial(TrackedVector& h, const void* x, std::vector<std::uint8_t>& message) const {
  ProgramWriter writer(message);
  writer.begin(OperationKind::reset, dense_codec);
  append_dense(x, nullptr, message);
  h.clear();
  add_dense(std::span<const std::uint8_t>(message).subspan(writer.payload_begin()), h.target());
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

double MechanismTree::distance(const void* a, const void* b) const {
  return membership_.dtype == TPC_F32 ? distance_of<float>(a, b, membership_.dim)
                                      : distance_of<double>(a, b, membership_.dim);
}

void MechanismTree::subtract_vectors(const void* a, const void* b, RawVector& out) const {
  const auto copy = [&]<class T>(T) {
    const tpc::Difference<T> difference(static_cast<const T*>(a), static_cast<const T*>(b), out.dim());
    difference.copy_to({static_cast<T*>(out.data()), out.dim()});
  };
  membership_.dtype == TPC_F32 ? copy(0.0F) : copy(0.0);
}

void MechanismTree::add_dense(std::span<const std::uint8_t> payload, const tpc_sum& target) const {
  if (payload.size() != membership_.dim * size_of(membership_.dtype))
    throw Failure(Exit::peer, "malformed message: a dense payload of " + std::to_string(payload.size()) +
                                  " bytes for d = " + std::to_string(membership_.dim));
  if (membership_.dtype == TPC_F64)
    add_values_of<double, double>(payload, target);
  else if (target.dtype == TPC_F64)
    add_values_of<float, double>(payload, target);
  else
    add_values_of<float, float>(payload, target);
}

void MechanismTree::append_dense(const void* a, const void* b, std::vector<std::uint8_t>& out) const {
  if (membership_.dtype == TPC_F64)
    append_difference(static_cast<const double*>(a), static_cast<const double*>(b), membership_.dim, out);
  else
    append_difference(static_cast<const float*>(a), static_cast<const float*>(b), membership_.dim, out);
}

}  // namespace threepc
