#include "plugin/instance.hpp"

#include <threepc/draft/topology.h>

#include <algorithm>
#include <utility>

#include "plugin/checked_calls.hpp"
#include "plugin/host_services.hpp"

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
  if (kind == TPC_PROBLEM || kind == TPC_TOPOLOGY) return Exit::data;
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
    for (const tpc::Block& block : blocks) items_.push_back({sizeof(tpc_block), block.rows, block.columns, 0});
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

}  // namespace threepc
