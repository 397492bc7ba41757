// What a plugin learns from the host: what it is made for (Setup), which call this is (Context), and
// random numbers that encoder and decoder agree on (Random).
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <threepc/sdk/error.hpp>
#include <vector>

namespace tpc {

/// A matrix inside the vector: rows * columns consecutive values, row by row; columns = 1 for a plain part.
struct Block {
  std::uint32_t rows = 0;
  std::uint32_t columns = 1;
  std::uint64_t size() const { return std::uint64_t{rows} * columns; }
  bool operator==(const Block&) const = default;
};

inline constexpr std::uint32_t server = TPC_SERVER;

enum class Scope : tpc_scope {
  shared_by_workers = TPC_SHARED,  // a coin that all workers see alike
  own = TPC_PRIVATE,               // independent from worker to worker
};

/// A stream of random numbers, fixed by (run seed, scope, worker, round, plugin instance): constructing it
/// again with an equal context, here or on the server, replays it from the start.
class Random {
 public:
  Random(const tpc_host& host, const tpc_context& context, Scope scope)
      : host_(&host), context_(&context), scope_(scope) {}

  std::uint32_t word() {
    if (next_ == filled_) refill();
    return words_[next_++];
  }

  /// Uniform in [0, 1), with 53 bits.
  double uniform() {
    const std::uint64_t high = word();
    return static_cast<double>((high << 32 | word()) >> 11) * 0x1p-53;
  }

  /// Uniform in {0, ..., bound - 1}, without bias (Lemire 2019); bound >= 1.
  std::uint32_t below(std::uint32_t bound) {
    std::uint64_t product = std::uint64_t{word()} * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
      const std::uint32_t floor = -bound % bound;
      while (static_cast<std::uint32_t>(product) < floor) product = std::uint64_t{word()} * bound;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

  /// Standard normal (Box and Muller 1958).
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  /// Few at first: whoever wants one word pays for a few, and whoever wants millions gets them in large pieces.
  void refill() {
    filled_ = drawn_ == 0 ? 16 : words_.size();
    host_->random(context_, static_cast<tpc_scope>(scope_), drawn_, words_.data(), filled_);
    drawn_ += filled_;
    next_ = 0;
  }

  const tpc_host* host_;
  const tpc_context* context_;
  Scope scope_;
  std::uint64_t drawn_ = 0;
  std::array<std::uint32_t, 256> words_;  // filled_ of them
  std::size_t filled_ = 0, next_ = 0;
};

namespace detail {

/// State vector `i` of `count` vectors of `size` values each, as the host hands them over. Throws for one that was not
/// declared; `raw` is null where there is no memory.
template <class T>
std::span<T> state_vector(void* const* raw, std::uint32_t i, std::uint32_t count, std::size_t size) {
  if (i >= count)
    throw Error(TPC_INTERNAL, text("state(", i, ") is asked for, but about.state_vectors declares ", count));
  if (raw == nullptr) throw Error(TPC_INTERNAL, text("state(", i, ") is asked for where there is none: in a decoder"));
  return {static_cast<T*>(raw[i]), size};
}

}  // namespace detail

/// Which call of which round. Valid during the call.
class Context {
 public:
  /// An encoding compressor has `state_vectors` of `dim` values each.
  Context(const tpc_host& host, const tpc_context& raw, std::uint32_t state_vectors = 0, std::uint32_t dim = 0)
      : host_(&host), raw_(&raw), state_vectors_(state_vectors), dim_(dim) {}
  std::uint64_t round() const { return raw_->round; }      // 0 for x^0
  std::uint32_t worker() const { return raw_->worker; }    // 0 .. n-1, or tpc::server
  std::uint32_t workers() const { return raw_->workers; }  // n
  double stepsize() const { return raw_->stepsize; }       // gamma; NaN while unknown
  Random random(Scope scope) const { return Random(*host_, *raw_, scope); }

  /// Encoding compressor: state vector `i` < about.state_vectors of `dim` values, zeros before the first call. T is the
  /// run's dtype. Throws for a vector that was not declared or is shorter.
  template <class T>
  std::span<T> state(std::uint32_t i, std::size_t dim) const {
    const std::span<T> vector = detail::state_vector<T>(raw_->state, i, state_vectors_, dim_);
    if (dim > dim_)
      throw Error(TPC_INTERNAL,
                  text("state(", i, ", ", dim, ") is asked for, but a state vector has ", dim_, " values"));
    return vector.first(dim);
  }

  const tpc_context& raw() const { return *raw_; }

 private:
  const tpc_host* host_;
  const tpc_context* raw_;
  std::uint32_t state_vectors_, dim_;
};

/// What an instance is made for. Valid during construction, but for host(), which outlives the plugin.
class Setup {
 public:
  Setup(const tpc_host& host, const tpc_setup& raw) : host_(&host), raw_(&raw) {}
  std::uint32_t dim() const { return raw_->dim; }               // d; 0 for problems and transports
  std::uint32_t workers() const { return raw_->workers; }       // n
  std::uint32_t worker() const { return raw_->worker; }         // 0 .. n-1, or tpc::server
  std::uint32_t children() const { return raw_->child_count; }  // in all slots together
  const tpc_host& host() const { return *host_; }
  const tpc_setup& raw() const { return *raw_; }

  /// How the problem's vector is made up of matrices: in order, together dim() values; one d x 1 block where the
  /// problem has no such structure.
  std::vector<Block> blocks() const {
    std::vector<Block> out;
    for (std::uint32_t i = 0; i < raw_->block_count; ++i)
      out.push_back({raw_->blocks[i]->rows, raw_->blocks[i]->columns});
    return out;
  }

  /// The random stream of round 0, for problems that generate their data.
  tpc_context first_round() const {
    return {sizeof(tpc_context),
            raw_->worker,
            raw_->workers,
            raw_->stream,
            raw_->seed,
            0,
            std::numeric_limits<double>::quiet_NaN(),
            nullptr};
  }

 private:
  const tpc_host* host_;
  const tpc_setup* raw_;
};

}  // namespace tpc
