#include "method/points.hpp"

#include <algorithm>
#include <cstring>

namespace threepc {

void Points::begin(std::uint64_t round, const RawVector& x) {
  hold(current_, none);
  hold(current_, unused());
  points_[current_].round = round;
  std::memcpy(points_[current_].x.data(), x.data(), x.size_bytes());
}

/// `place` holds that point, and no longer the one that it held.
void Points::hold(std::uint32_t& place, std::uint32_t point) {
  if (point != none) ++points_[point].holders;
  if (place != none) --points_[place].holders;
  place = point;
}

std::uint32_t Points::unused() {
  const auto found = std::find_if(points_.begin(), points_.end(), [](const Held& p) { return p.holders == 0; });
  const auto number = static_cast<std::uint32_t>(found - points_.begin());
  if (found == points_.end()) points_.push_back({{0, RawVector(dtype_, dim_)}, 0});
  return number;
}

const Points::Point* Points::of(std::uint32_t worker) const {
  const std::uint32_t last = workers_[worker].last;
  return last == none ? nullptr : &points_[last];
}

void Points::take_part(std::uint32_t worker) {
  Known& known = workers_[worker];
  hold(known.before, known.last);
  hold(known.last, current_);
}

void Points::settle(std::uint32_t worker) {
  Known& known = workers_[worker];
  hold(known.last, known.owed);
  hold(known.before, known.owed);
  hold(known.owed, none);
}

void Points::forget(std::uint32_t worker) {
  Known& known = workers_[worker];
  for (std::uint32_t* place : {&known.last, &known.before, &known.owed}) hold(*place, none);
}

void Points::undo(std::uint32_t worker) {
  Known& known = workers_[worker];
  if (known.last == current_) hold(known.last, known.before);
}

void Points::undo_round() {
  for (std::uint32_t worker = 0; worker < workers_.size(); ++worker) undo(worker);
}

/// The number of points, round and x of each; for every worker which of them is its, counted from 1, or 0.
void Points::save(Bytes& out) const {
  std::vector<std::uint32_t> used, which;
  for (const Known& known : workers_) {
    const auto at = std::find(used.begin(), used.end(), known.last);
    which.push_back(known.last == none ? 0 : static_cast<std::uint32_t>(at - used.begin()) + 1);
    if (known.last != none && at == used.end()) used.push_back(known.last);
  }
  append(out, static_cast<std::uint32_t>(used.size()));
  for (const std::uint32_t number : used) append(out, points_[number].round), append(out, points_[number].x);
  for (const std::uint32_t number : which) append(out, number);
}

void Points::load(tpc::Reader& in) {
  points_.clear();
  current_ = none;
  const auto count = in.get<std::uint32_t>();
  if (count > workers_.size()) throw tpc::Corrupt("more points than workers");
  for (std::uint32_t i = 0; i < count; ++i) {
    Held& point = points_.emplace_back(Held{{in.get<std::uint64_t>(), RawVector(dtype_, dim_)}, 0});
    take(in, point.x);
  }
  for (Known& known : workers_) {
    const auto number = in.get<std::uint32_t>();
    if (number > count) throw tpc::Corrupt("a worker's point is none of those that are there");
    known = {};
    if (number > 0) hold(known.last, number - 1);
  }
}

}  // namespace threepc
