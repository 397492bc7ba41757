#include "plugin/instances.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>

#include "plugin/checked_calls.hpp"

namespace threepc {
namespace {

const char* status_text(tpc_status status) {
  static constexpr const char* texts[] = {
      "ok",        "invalid argument", "unsupported",   "corrupt input", "input/output error",
      "timed out", "closed",           "out of memory", "internal error"};
  return texts[status];
}

bool known_status(tpc_status status) { return status >= TPC_OK && status <= TPC_INTERNAL; }

/// Which exit code a failed call means. A data file belongs to problems alone, a lost peer to transports.
Exit code_for(tpc_kind kind, tpc_status status) {
  if (status == TPC_INVALID_ARGUMENT || status == TPC_UNSUPPORTED) return Exit::usage;
  if (status == TPC_INTERNAL) return Exit::plugin;
  if (status == TPC_NO_MEMORY) return Exit::unexpected;
  if (kind == TPC_PROBLEM) return Exit::data;
  return kind == TPC_TRANSPORT ? Exit::peer : Exit::plugin;
}

/// The text as far as it is one: a plugin may have forgotten the terminating zero.
template <std::size_t N>
std::string bounded(const char (&text)[N]) {
  return {text, std::find(text, text + N, '\0')};
}

/// The values of a PluginSpec as the boundary wants them, for as long as these live; owns what else the pointers point
/// to.
class RawValues {
 public:
  explicit RawValues(const std::vector<std::optional<Value>>& values) : strings_(values.size()), items_(values.size()) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      items_[i] = {sizeof(tpc_value), values[i] ? 1u : 0u, 0, 0, 0, 0.0, {""}};
      if (values[i]) std::visit([&](const auto& v) { set(i, v); }, *values[i]);
      pointers_.push_back(&items_[i]);
    }
  }
  const tpc_value* const* data() const { return pointers_.data(); }

 private:
  void set(std::size_t i, bool v) { items_[i].type = TPC_BOOL, items_[i].integer = v; }
  void set(std::size_t i, std::int64_t v) { items_[i].type = TPC_INTEGER, items_[i].integer = v; }
  void set(std::size_t i, double v) { items_[i].type = TPC_REAL, items_[i].real = v; }
  void set(std::size_t i, const std::string& v) {
    strings_[i] = v;
    items_[i].type = TPC_STRING, items_[i].string = strings_[i].c_str();
  }
  void set(std::size_t i, const std::vector<double>& v) {
    items_[i].type = TPC_REALS, items_[i].reals = v.data();
    items_[i].count = static_cast<std::uint32_t>(v.size());
  }

  std::vector<std::string> strings_;
  std::vector<tpc_value> items_;
  std::vector<const tpc_value*> pointers_;
};

/// The blocks of a member as the boundary wants them; a member without any gets the vector as one block.
class RawBlocks {
 public:
  explicit RawBlocks(const Membership& membership) {
    const auto& blocks = membership.blocks;
    for (const Block& block : blocks) items_.push_back({sizeof(tpc_block), block.rows, block.columns, 0});
    if (blocks.empty() && membership.dim > 0) items_.push_back({sizeof(tpc_block), membership.dim, 1, 0});
    for (const tpc_block& item : items_) pointers_.push_back(&item);
  }
  const tpc_block* const* data() const { return pointers_.data(); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(pointers_.size()); }

 private:
  std::vector<tpc_block> items_;
  std::vector<const tpc_block*> pointers_;
};

}  // namespace

Exit TransportFailure::code_of(tpc_status status) { return code_for(TPC_TRANSPORT, status); }

Instance::Instance(const PluginSpec& spec, const Membership& membership, std::uint32_t stream, Role role)
    : spec_(&spec), file_(interned(spec.file)), membership_(membership), stream_(stream), role_(role) {}

Instance::Instance(Instance&& other) noexcept
    : self_(std::exchange(other.self_, nullptr)),
      destroy_(other.destroy_),
      spec_(other.spec_),
      file_(other.file_),
      membership_(std::move(other.membership_)),
      stream_(other.stream_),
      role_(other.role_) {}

Instance::~Instance() { destroy(); }

void Instance::destroy() noexcept {
  if (self_ != nullptr) plainly("destroy", [&] { destroy_(std::exchange(self_, nullptr)); });
}

std::string Instance::name() const { return name_of(*spec_->descriptor); }

tpc_context Instance::context(std::uint64_t round, std::uint32_t worker, double stepsize) const {
  return {sizeof(tpc_context), worker, membership_.workers, stream_, membership_.seed, round, stepsize, nullptr};
}

void Instance::misbehaved(const std::string& what) const {
  throw Failure(Exit::plugin, name() + " misbehaved: " + what + " (" + spec_->file + ")");
}

void Instance::failed(const char* call, tpc_status status, const tpc_error& error) const {
  if (!known_status(status)) misbehaved(std::string(call) + " returned the unknown status " + std::to_string(status));

  const tpc_kind kind = spec_->descriptor->kind;
  std::string text = bounded(error.text);
  if (text.empty()) text = std::string(call) + " failed: " + status_text(status);
  if (kind == TPC_TRANSPORT && status != TPC_INTERNAL) throw TransportFailure(status, text);
  if (status == TPC_INTERNAL)
    throw Failure(Exit::plugin, name() + ": " + call + " failed: " + text + " (" + spec_->file + ")");

  // What an encoder decodes, its own compressor wrote.
  if (kind == TPC_COMPRESSOR && status == TPC_CORRUPT && role_ == Role::replica)
    throw Failure(Exit::peer, "malformed message: " + name() + ": " + text);

  const std::string key = bounded(error.key);
  if (const auto at = spec_->origin.find(key); at != spec_->origin.end())
    text = at->second + ": " + text;
  else if (!key.empty())
    text = spec_->place + "." + key + ": " + text;
  else if (kind != TPC_PROBLEM)
    text = spec_->place + ": " + text;
  throw Failure(code_for(kind, status), text);
}

void Instance::make(CreateFunction create_it, const std::vector<const tpc_child*>& children) {
  const tpc_descriptor& descriptor = *spec_->descriptor;
  if ((descriptor.dtypes & membership_.dtype) == 0)
    throw Failure(Exit::usage, spec_->place + ": the " + name() + " does not support this dtype");
  const RawValues values(spec_->values);
  const RawBlocks blocks(membership_);
  const tpc_setup setup = {sizeof(tpc_setup),
                           membership_.dtype,
                           membership_.dim,
                           membership_.workers,
                           membership_.worker,
                           stream_,
                           membership_.seed,
                           values.data(),
                           static_cast<std::uint32_t>(spec_->values.size()),
                           static_cast<std::uint32_t>(spec_->children.size()),
                           children.data(),
                           blocks.data(),
                           blocks.size(),
                           0};
  void* made = nullptr;
  checked("create", [&](tpc_error* error) { return create_it(&host_services(), &setup, &made, error); });
  if (made == nullptr) misbehaved("create returned no instance");
  self_ = made;
}

// ---- mechanism

Mechanism::Mechanism(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_mechanism>();
}

TheoryConstants Mechanism::constants(const std::vector<TheoryConstants>& children) const {
  std::vector<tpc_constants> items;
  items.reserve(children.size());
  for (const TheoryConstants& c : children) items.push_back(to_raw(c));
  std::vector<const tpc_constants*> pointers;
  pointers.reserve(items.size());
  for (const tpc_constants& item : items) pointers.push_back(&item);
  tpc_constants c = to_raw({});
  checked("constants",
          [&](tpc_error* error) { return table<tpc_mechanism>().constants(self_, pointers.data(), &c, error); });
  if (std::isnan(c.A) != std::isnan(c.B)) misbehaved("it declares one of A and B without the other");
  if (!std::isnan(c.A) && !(c.A > 0 && c.A <= 1)) misbehaved("A = " + std::to_string(c.A) + " is outside (0, 1]");
  if (!std::isnan(c.B) && !(c.B >= 0 && std::isfinite(c.B)))
    misbehaved("B = " + std::to_string(c.B) + " is not a finite number >= 0");
  if (!std::isnan(c.B_spread) && !(c.B_spread >= 0 && c.B_spread <= c.B))
    misbehaved("B_spread = " + std::to_string(c.B_spread) + " is outside [0, B]");
  if (!std::isnan(c.keep) && !(c.keep >= 0 && c.keep <= 1))
    misbehaved("keep = " + std::to_string(c.keep) + " is outside [0, 1]");
  return from_raw(c);
}

void Mechanism::propose(const tpc_context& context, const tpc_points& points, tpc_program& program) const {
  checked(
      "propose",
      [&](tpc_error* error) { return table<tpc_mechanism>().propose(self_, &context, &points, &program, error); },
      &context);
}

// ---- optimizer

Optimizer::Optimizer(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_optimizer>();
}

void Optimizer::step(const tpc_context& context, const void* g, void* x, void* const* state) const {
  checked(
      "step", [&](tpc_error* error) { return table<tpc_optimizer>().step(self_, &context, g, x, state, error); },
      &context);
}

// ---- problem

Problem::Problem(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_problem>();
}

tpc_problem_facts Problem::facts() const {
  tpc_problem_facts facts = {sizeof(tpc_problem_facts), 0, 0, NAN, NAN, NAN, nullptr, 0, 0, 0};
  checked("facts", [&](tpc_error* error) { return table<tpc_problem>().facts(self_, &facts, error); });
  if (facts.dim == 0 || facts.dim == UINT32_MAX)
    misbehaved("dim = " + std::to_string(facts.dim) + " is not in 1 .. 2^32 - 2");
  for (const double L : {facts.L_i, facts.L_minus, facts.hessian_spread})
    if (L < 0 || std::isinf(L))
      misbehaved("a smoothness constant of " + std::to_string(L) + " is no finite number >= 0");
  if (facts.block_count > 0 && facts.blocks == nullptr) misbehaved("block_count is not 0 but blocks is null");
  std::uint64_t covered = 0;
  for (std::uint32_t i = 0; i < facts.block_count && covered <= facts.dim; ++i) {
    const std::uint64_t size = std::uint64_t{facts.blocks[i]->rows} * facts.blocks[i]->columns;
    if (size == 0) misbehaved("its block " + std::to_string(i) + " is empty");
    covered += size;
  }
  if (facts.block_count > 0 && covered != facts.dim)
    misbehaved("its blocks hold " + std::to_string(covered) + " values, but dim = " + std::to_string(facts.dim));
  return facts;
}

void Problem::start(void* x0) const {
  checked("start", [&](tpc_error* error) { return table<tpc_problem>().start(self_, x0, error); });
}

void Problem::evaluate(const tpc_context& context, const void* x, double* value, void* gradient) const {
  checked(
      "evaluate",
      [&](tpc_error* error) { return table<tpc_problem>().evaluate(self_, &context, x, value, gradient, error); },
      &context);
}

bool Problem::has_rows() const {
  const auto& problem = table<tpc_problem>();
  const bool knows = problem.struct_size > offsetof(tpc_problem, evaluate_rows);  // minor version 0 does not
  return knows && problem.evaluate_rows != nullptr;
}

void Problem::evaluate_rows(const tpc_context& context, const void* x, std::span<const std::uint64_t> rows,
                            void* gradient) const {
  checked(
      "evaluate_rows",
      [&](tpc_error* error) {
        return table<tpc_problem>().evaluate_rows(self_, &context, x, rows.data(), rows.size(), gradient, error);
      },
      &context);
}

bool Problem::has_curvature() const { return table<tpc_problem>().curvature != nullptr; }

void Problem::curvature(const double* v, double* out) const {
  checked("curvature", [&](tpc_error* error) { return table<tpc_problem>().curvature(self_, v, out, error); });
}

}  // namespace threepc
