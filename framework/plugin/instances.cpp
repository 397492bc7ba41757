#include "plugin/instances.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace threepc {
namespace {

constexpr std::size_t guard_bytes = 64;
constexpr std::uint8_t guard_pattern = 0xA5;

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

/// The values of a PluginSpec as the boundary wants them. Owns what the pointers point to.
class RawValues {
 public:
  explicit RawValues(const std::vector<std::optional<Value>>& values) : strings_(values.size()), items_(values.size()) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      items_[i] = {sizeof(tpc_value), values[i] ? 1u : 0u, 0, 0, 0, 0.0, ""};
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

  std::vector<std::string> strings_;
  std::vector<tpc_value> items_;
  std::vector<const tpc_value*> pointers_;
};

/// Eight times what a dense f64 vector takes, and something for headers: no compressor has a use for more.
std::uint64_t largest_payload(std::uint32_t dim) { return std::uint64_t{dim} * 64 + 65536; }

bool is_contraction(double alpha) { return alpha > 0 && alpha <= 1; }

}  // namespace

Exit TransportFailure::code_of(tpc_status status) { return code_for(TPC_TRANSPORT, status); }

Instance::Instance(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : spec_(&spec), membership_(membership), stream_(stream) {}

Instance::Instance(Instance&& other) noexcept
    : self_(std::exchange(other.self_, nullptr)),
      destroy_(other.destroy_),
      spec_(other.spec_),
      membership_(other.membership_),
      stream_(other.stream_) {}

Instance::~Instance() {
  if (self_ != nullptr) destroy_(self_);
}

std::string Instance::name() const {
  return std::string(kind_name(spec_->descriptor->kind)) + " '" + spec_->descriptor->id + "'";
}

tpc_context Instance::context(std::uint64_t round, std::uint32_t worker, double stepsize) const {
  return {sizeof(tpc_context), worker, membership_.workers, stream_, membership_.seed, round, stepsize};
}

void Instance::misbehaved(const std::string& what) const {
  throw Failure(Exit::plugin, name() + " misbehaved: " + what + " (" + spec_->file + ")");
}

template <class Body>
void Instance::checked(const char* call, Body&& body) const {
  tpc_error error;
  error.struct_size = sizeof error;
  error.key[0] = error.text[0] = '\0';
  tpc_status status = TPC_OK;
  try {
    status = body(&error);
  } catch (const Failure&) {
    throw;  // our own, thrown by the host's side of a call that the plugin passed through
  } catch (const std::exception& thrown) {
    misbehaved(std::string(call) + " let an exception cross the boundary: " + thrown.what());
  } catch (...) {
    misbehaved(std::string(call) + " let an exception cross the boundary");
  }
  if (status == TPC_OK) return;
  if (!known_status(status)) misbehaved(std::string(call) + " returned the unknown status " + std::to_string(status));

  const tpc_kind kind = spec_->descriptor->kind;
  std::string text = bounded(error.text);
  if (text.empty()) text = std::string(call) + " failed: " + status_text(status);
  if (kind == TPC_TRANSPORT && status != TPC_INTERNAL) throw TransportFailure(status, text);
  if (status == TPC_INTERNAL)
    throw Failure(Exit::plugin, name() + ": " + call + " failed: " + text + " (" + spec_->file + ")");

  const std::string key = bounded(error.key);
  if (const auto at = spec_->origin.find(key); at != spec_->origin.end())
    text = at->second + ": " + text;
  else if (!key.empty())
    text = spec_->place + "." + key + ": " + text;
  else if (kind != TPC_PROBLEM)
    text = spec_->place + ": " + text;
  throw Failure(code_for(kind, status), text);
}

template <class Table>
void Instance::create() {
  const tpc_descriptor& descriptor = *spec_->descriptor;
  if ((descriptor.dtypes & membership_.dtype) == 0)
    throw Failure(Exit::usage, spec_->place + ": the " + name() + " does not support this dtype");
  const RawValues values(spec_->values);
  const tpc_setup setup = {sizeof(tpc_setup),
                           membership_.dtype,
                           membership_.dim,
                           membership_.workers,
                           membership_.worker,
                           stream_,
                           membership_.seed,
                           values.data(),
                           static_cast<std::uint32_t>(spec_->values.size()),
                           0};
  void* made = nullptr;
  checked("create", [&](tpc_error* error) { return table<Table>().create(&host_services(), &setup, &made, error); });
  if (made == nullptr) misbehaved("create returned no instance");
  self_ = made;
  destroy_ = table<Table>().destroy;
}

// ---- compressor

Compressor::Compressor(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_compressor>();
  max_payload_ = table<tpc_compressor>().max_payload(self_);
  if (max_payload_ > largest_payload(membership.dim))
    misbehaved("max_payload = " + std::to_string(max_payload_) + " bytes is out of proportion");
}

TheoryConstants Compressor::constants() const {
  tpc_constants c = {sizeof(tpc_constants), 0, NAN, NAN, NAN, NAN};
  checked("constants", [&](tpc_error* error) { return table<tpc_compressor>().constants(self_, &c, error); });
  if (std::isnan(c.alpha) && std::isnan(c.omega)) misbehaved("it declares neither alpha nor omega");
  if (!std::isnan(c.alpha) && !is_contraction(c.alpha))
    misbehaved("alpha = " + std::to_string(c.alpha) + " is outside (0, 1]");
  if (!std::isnan(c.omega) && !(c.omega >= 0 && std::isfinite(c.omega)))
    misbehaved("omega = " + std::to_string(c.omega) + " is not a finite number >= 0");
  return {c.alpha, c.omega, NAN, NAN};
}

std::size_t Compressor::encode(const tpc_context& context, const void* a, const void* b,
                               std::vector<std::uint8_t>& out) const {
  const std::size_t begin = out.size();
  // The guard behind the capacity is how an overrun is seen before its damage spreads.
  out.resize(begin + max_payload_ + guard_bytes);
  std::uint8_t* const guard = out.data() + begin + max_payload_;
  std::memset(guard, guard_pattern, guard_bytes);
  tpc_buffer buffer = {out.data() + begin, max_payload_, 0};
  checked("encode",
          [&](tpc_error* error) { return table<tpc_compressor>().encode(self_, &context, a, b, &buffer, error); });
  if (std::any_of(guard, guard + guard_bytes, [](std::uint8_t byte) { return byte != guard_pattern; }))
    misbehaved("encode wrote past the end of its buffer of " + std::to_string(max_payload_) + " bytes");
  if (buffer.size > max_payload_)
    misbehaved("encode reports " + std::to_string(buffer.size) + " bytes in a buffer of " +
               std::to_string(max_payload_));
  out.resize(begin + buffer.size);
  return buffer.size;
}

std::uint64_t Compressor::accumulate(const tpc_context& context, std::span<const std::uint8_t> payload,
                                     const tpc_sum& out) const {
  std::uint64_t values = 0;
  checked("accumulate", [&](tpc_error* error) {
    return table<tpc_compressor>().accumulate(self_, &context, payload.data(), payload.size(), &out, &values, error);
  });
  return values;
}

// ---- mechanism

Mechanism::Mechanism(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_mechanism>();
}

TheoryConstants Mechanism::constants(const std::vector<TheoryConstants>& children) const {
  std::vector<tpc_constants> items;
  for (const TheoryConstants& c : children) items.push_back({sizeof(tpc_constants), 0, c.alpha, c.omega, c.A, c.B});
  std::vector<const tpc_constants*> pointers;
  for (const tpc_constants& item : items) pointers.push_back(&item);
  tpc_constants c = {sizeof(tpc_constants), 0, NAN, NAN, NAN, NAN};
  checked("constants",
          [&](tpc_error* error) { return table<tpc_mechanism>().constants(self_, pointers.data(), &c, error); });
  if (std::isnan(c.A) != std::isnan(c.B)) misbehaved("it declares one of A and B without the other");
  if (!std::isnan(c.A) && !is_contraction(c.A)) misbehaved("A = " + std::to_string(c.A) + " is outside (0, 1]");
  if (!std::isnan(c.B) && !(c.B >= 0 && std::isfinite(c.B)))
    misbehaved("B = " + std::to_string(c.B) + " is not a finite number >= 0");
  return {NAN, NAN, c.A, c.B};
}

void Mechanism::propose(const tpc_context& context, const tpc_points& points, tpc_program& program) const {
  checked("propose",
          [&](tpc_error* error) { return table<tpc_mechanism>().propose(self_, &context, &points, &program, error); });
}

// ---- optimizer

Optimizer::Optimizer(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_optimizer>();
}

void Optimizer::step(const tpc_context& context, const void* g, void* x, void* const* state) const {
  checked("step", [&](tpc_error* error) { return table<tpc_optimizer>().step(self_, &context, g, x, state, error); });
}

// ---- problem

Problem::Problem(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_problem>();
}

tpc_problem_facts Problem::facts() const {
  tpc_problem_facts facts = {sizeof(tpc_problem_facts), 0, 0, NAN, NAN, NAN};
  checked("facts", [&](tpc_error* error) { return table<tpc_problem>().facts(self_, &facts, error); });
  if (facts.dim == 0 || facts.dim == UINT32_MAX)
    misbehaved("dim = " + std::to_string(facts.dim) + " is not in 1 .. 2^32 - 2");
  for (const double L : {facts.L_i, facts.L_minus, facts.hessian_spread})
    if (L < 0 || std::isinf(L))
      misbehaved("a smoothness constant of " + std::to_string(L) + " is no finite number >= 0");
  return facts;
}

void Problem::start(void* x0) const {
  checked("start", [&](tpc_error* error) { return table<tpc_problem>().start(self_, x0, error); });
}

void Problem::evaluate(const tpc_context& context, const void* x, double* value, void* gradient) const {
  checked("evaluate",
          [&](tpc_error* error) { return table<tpc_problem>().evaluate(self_, &context, x, value, gradient, error); });
}

bool Problem::has_curvature() const { return table<tpc_problem>().curvature != nullptr; }

void Problem::curvature(const double* v, double* out) const {
  checked("curvature", [&](tpc_error* error) { return table<tpc_problem>().curvature(self_, v, out, error); });
}

// ---- transport

Transport::Transport(const PluginSpec& spec, const Membership& membership, std::uint32_t stream)
    : Instance(spec, membership, stream) {
  create<tpc_transport>();
}

void Transport::open(const std::string& address, std::int64_t deadline) {
  checked("open",
          [&](tpc_error* error) { return table<tpc_transport>().open(self_, address.c_str(), deadline, error); });
}

std::string Transport::address() const {
  std::array<char, 512> text{};
  checked("address",
          [&](tpc_error* error) { return table<tpc_transport>().address(self_, text.data(), text.size(), error); });
  return {text.begin(), std::find(text.begin(), text.end(), '\0')};
}

void Transport::join(std::int64_t deadline) {
  checked("join", [&](tpc_error* error) { return table<tpc_transport>().join(self_, deadline, error); });
}

void Transport::send(std::uint32_t to, const tpc_message& message, std::int64_t deadline) {
  checked("send", [&](tpc_error* error) { return table<tpc_transport>().send(self_, to, &message, deadline, error); });
}

void Transport::broadcast(const tpc_message& message, std::int64_t deadline) {
  const auto& t = table<tpc_transport>();
  if (t.broadcast != nullptr) {
    checked("broadcast", [&](tpc_error* error) { return t.broadcast(self_, &message, deadline, error); });
    return;
  }
  const std::uint32_t own = membership().worker == TPC_SERVER ? 0 : membership().worker + 1;
  for (std::uint32_t member = 0; member <= membership().workers; ++member) {
    if (member == own) continue;
    try {
      send(member, message, deadline);
    } catch (const TransportFailure& failure) {
      if (failure.status() != TPC_CLOSED) throw;  // gone: receive from it tells
    }
  }
}

tpc_message Transport::receive(std::uint32_t from, std::int64_t deadline) {
  tpc_message message = {sizeof(tpc_message), 0, 0, nullptr, 0};
  checked("receive",
          [&](tpc_error* error) { return table<tpc_transport>().receive(self_, from, &message, deadline, error); });
  if (message.data == nullptr && message.size > 0) misbehaved("receive returned a size without data");
  return message;
}

void Transport::cancel() noexcept { table<tpc_transport>().cancel(self_); }

tpc_traffic Transport::traffic() const {
  tpc_traffic traffic = {sizeof(tpc_traffic), 0, 0, 0, 0, 0};
  checked("traffic", [&](tpc_error* error) { return table<tpc_transport>().traffic(self_, &traffic, error); });
  return traffic;
}

void Transport::close(std::int64_t deadline) {
  checked("close", [&](tpc_error* error) { return table<tpc_transport>().close(self_, deadline, error); });
}

}  // namespace threepc
