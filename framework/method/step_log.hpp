// The server's last steps, as messages from which others make them too.
#pragma once

#include <cstdint>
#include <deque>
#include <span>

#include "vector/bytes.hpp"

namespace threepc {

/// Holds as many steps as are together no longer than the model, and the last one always. Not thread-safe.
class StepLog {
 public:
  explicit StepLog(std::uint64_t model_size) : most_(model_size) {}

  /// The step from the model of present() to the next.
  void add(Bytes step);
  /// The round of the model to which the last step leads.
  std::uint64_t present() const { return present_; }
  /// Whether all steps from the model of `round` on are held.
  bool reaches(std::uint64_t round) const { return round <= present_ && present_ - round <= steps_.size(); }
  /// Bytes of the steps from a round that it reaches, and the steps themselves.
  std::uint64_t size_since(std::uint64_t round) const;
  void append_since(std::uint64_t round, Bytes& out) const;

  /// Everything, for a checkpoint; load takes it from the front of `in`, throws tpc::Error.
  void save(Bytes& out) const;
  void load(tpc::Reader& in);
  /// The model of `round` is at hand, and no step to it is held.
  void begin(std::uint64_t round);

 private:
  std::uint64_t most_;
  std::uint64_t present_ = 0;
  std::deque<Bytes> steps_;
  std::uint64_t size_ = 0;  // of all steps
};

}  // namespace threepc
