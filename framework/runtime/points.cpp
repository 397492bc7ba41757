#include "runtime/points.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace threepc {

void Points::begin(std::uint64_t round, const RawVector& x) {
  current_.reset();
  const std::shared_ptr<Point> point = unused();
  point->round = round;
  std::memcpy(point->x.data(), x.data(), x.size_bytes());
  current_ = point;
}

std::shared_ptr<Points::Point> Points::unused() {
  const auto found = std::find_if(pool_.begin(), pool_.end(), [](const auto& point) { return point.use_count() == 1; });
  if (found != pool_.end()) return *found;
  return pool_.emplace_back(std::make_shared<Point>(Point{0, RawVector(dtype_, dim_)}));
}

void Points::take_part(std::uint32_t worker) {
  Known& known = workers_[worker];
  known.before = std::exchange(known.last, current_);
}

void Points::settle(std::uint32_t worker) {
  Known& known = workers_[worker];
  known.before = known.last = std::exchange(known.owed, nullptr);
}

void Points::undo(std::uint32_t worker) {
  Known& known = workers_[worker];
  if (known.last == current_) known.last = known.before;
}

void Points::undo_round() {
  for (std::uint32_t worker = 0; worker < workers_.size(); ++worker) undo(worker);
}

/// The number of points, round and x of each; for every worker which of them is its, counted from 1, or 0.
void Points::save(Bytes& out) const {
  std::vector<const Point*> points;
  std::vector<std::uint32_t> which;
  for (const Known& known : workers_) {
    const auto at = std::find(points.begin(), points.end(), known.last.get());
    which.push_back(known.last ? static_cast<std::uint32_t>(at - points.begin()) + 1 : 0);
    if (known.last && at == points.end()) points.push_back(known.last.get());
  }
  append(out, static_cast<std::uint32_t>(points.size()));
  for (const Point* point : points) append(out, point->round), append(out, point->x);
  for (const std::uint32_t number : which) append(out, number);
}

void Points::load(tpc::Reader& in) {
  pool_.clear();
  current_.reset();
  const auto count = in.get<std::uint32_t>();
  if (count > workers_.size()) throw tpc::Corrupt("more points than workers");
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::shared_ptr<Point> point = pool_.emplace_back(std::make_shared<Point>(Point{0, RawVector(dtype_, dim_)}));
    point->round = in.get<std::uint64_t>();
    take(in, point->x);
  }
  for (Known& known : workers_) {
    const auto number = in.get<std::uint32_t>();
    if (number > count) throw tpc::Corrupt("a worker's point is none of those that are there");
    known = {number == 0 ? nullptr : pool_[number - 1], nullptr, nullptr};
  }
}

}  // namespace threepc
