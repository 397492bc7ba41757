// The x of the round in which each worker last took part: its y, the gradient there, follows from it.
#pragma once

#include <cstdint>
#include <threepc/sdk/bytes.hpp>
#include <vector>

#include "vector/bytes.hpp"
#include "vector/raw_vector.hpp"

namespace threepc {

/// Who sits out a round ([workers] participation), is late, or is lost keeps the y of an earlier x than the others. The
/// server remembers each such x once, however many workers it belongs to, and for as long as it belongs to one.
class Points {
 public:
  struct Point {
    std::uint64_t round = 0;
    RawVector x;
  };

  Points(tpc_dtype dtype, std::uint32_t dim, std::uint32_t workers) : dtype_(dtype), dim_(dim), workers_(workers) {}

  /// Round `round` is at x.
  void begin(std::uint64_t round, const RawVector& x);
  /// The update of the worker in the round that was begun is in the aggregate.
  void take_part(std::uint32_t worker);
  /// The worker was asked in the round that was begun, and its update is still to come.
  void owe(std::uint32_t worker) { hold(workers_[worker].owed, current_); }
  /// It has come.
  void settle(std::uint32_t worker);
  /// The worker begins anew.
  void forget(std::uint32_t worker);
  /// What the round that was begun has changed is as it was before it.
  void undo_round();
  /// The same for one worker.
  void undo(std::uint32_t worker);

  /// nullptr: it has not taken part.
  const Point* of(std::uint32_t worker) const;

  /// Everything, for a checkpoint; load takes it from the front of `in`, throws tpc::Error.
  void save(Bytes& out) const;
  void load(tpc::Reader& in);

 private:
  static constexpr std::uint32_t none = 0xffffffff;

  struct Held : Point {
    std::uint32_t holders = 0;
  };
  /// Numbers in points_.
  struct Known {
    std::uint32_t last = none, before = none;  // before: what last was when the round began that last is of
    std::uint32_t owed = none;
  };

  void hold(std::uint32_t& place, std::uint32_t point);
  std::uint32_t unused();

  tpc_dtype dtype_;
  std::uint32_t dim_;
  std::vector<Known> workers_;
  std::vector<Held> points_;  // those without holders are used again, so that a round allocates nothing
  std::uint32_t current_ = none;
};

}  // namespace threepc
