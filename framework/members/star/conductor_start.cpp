// How a run begins, whatever way its data takes: who takes part, in what dimension.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <threepc/sdk/bytes.hpp>

#include "members/star/conductor.hpp"

namespace threepc {
namespace {

std::string hex(std::uint64_t digest) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(digest));
  return text;
}

}  // namespace

void Conductor::prepare() {
  roster_.assemble([this](std::uint32_t worker) { return was_member(worker); });
  make_parts();
  if (resumed_ != nullptr)
    restore();
  else
    decide_stepsize();
  Bytes stepsize;
  append(stepsize, summary_.stepsize);
  channel_->broadcast(MessageType::begin, 0, stepsize);
  if (resumed_ != nullptr) restore_workers();
  channel_->begin_heartbeat();
}

bool Conductor::was_member(std::uint32_t worker) const {
  return resumed_ != nullptr && !resumed_->workers[worker].empty();
}

/// The server's part of the checkpoint.
void Conductor::restore() {
  const Checkpoint& c = *resumed_;
  if (c.summary.dim != summary_.dim)
    throw Failure(Exit::data, "the checkpoint is of dimension " + std::to_string(c.summary.dim) + ", the problem of " +
                                  std::to_string(summary_.dim) + "; is the data the same?");
  summary_.stepsize = c.summary.stepsize;
  summary_.A = c.summary.A;
  summary_.B = c.summary.B;
  summary_.L_minus = c.summary.L_minus;
  summary_.L_plus = c.summary.L_plus;
  journal_.load(c);
  saved_round_ = absorbed_round_ = c.round;
  injector_.resume_at(c.round + 1);
  try {
    load_own(c);
  } catch (const tpc::Error& error) {
    throw Failure(Exit::data, std::string("the checkpoint does not fit the run: ") + error.what());
  }
}

/// The dimension is what a peer says: nothing of that size is allocated before x^0 has it.
void Conductor::begin_from(const WorkerFacts& facts, std::span<const std::uint8_t> x0) {
  if (x0.size() != facts.dim * size_of(membership_.dtype))
    throw Failure(Exit::peer, "worker 0 sent an x^0 of the wrong size");
  membership_.dim = summary_.dim = facts.dim;
  membership_.blocks = facts.blocks;
  dimension_known_ = true;
  begin_at(x0);
  last_finite_ = RawVector(membership_.dtype, membership_.dim);
  if (!x0.empty()) std::memcpy(last_finite_.data(), x0.data(), x0.size());
}

void Conductor::accept(std::uint32_t worker, const WorkerFacts& facts, std::span<const std::uint8_t> x0) {
  const std::string who = worker_name(worker);
  if (!dimension_known_) begin_from(facts, x0);
  if (facts.dim != membership_.dim)
    throw Failure(Exit::data, who + " has a problem of dimension " + std::to_string(facts.dim) + ", worker 0 of " +
                                  std::to_string(membership_.dim) + "; do all read the same data?");
  if (facts.blocks != membership_.blocks)
    throw Failure(Exit::data,
                  who + " divides the vector into other matrices than worker 0; do all read the same data?");
  require_same_data(worker, facts);
  data_[worker] = {facts.data_digest, facts.own_data};
  if (!in_rounds_) facts_[worker] = facts;
}

/// As it had before it was lost or the run was interrupted, and as all others have unless each may have its own.
void Conductor::require_same_data(std::uint32_t worker, const WorkerFacts& facts) const {
  const auto differ = [&](const std::string& than, std::uint64_t digest) {
    throw Failure(Exit::data, "worker " + std::to_string(worker) + " has read other data than " + than + ": digest " +
                                  hex(facts.data_digest) + " against " + hex(digest) +
                                  "; give it the file that the run began with");
  };
  if (data_[worker] && data_[worker]->digest != facts.data_digest) differ("when it began", data_[worker]->digest);
  for (std::uint32_t other = 0; other < data_.size() && !facts.own_data; ++other)
    if (data_[other] && !data_[other]->may_differ && data_[other]->digest != facts.data_digest)
      differ("worker " + std::to_string(other), data_[other]->digest);
}

}  // namespace threepc
