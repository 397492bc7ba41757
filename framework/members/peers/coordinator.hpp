// The server of a run on a graph: it watches, and passes on what the peers say to each other.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "members/peers/publication_log.hpp"
#include "members/star/conductor.hpp"
#include "members/star/parcels.hpp"
#include "members/star/problem_metrics.hpp"

namespace threepc {

/// Control is a star, data goes by the graph: the coordinator admits, evaluates at the mean of all x, stops, hashes and
/// writes checkpoints. It takes no part in the method, and decodes only to count, and to find who sends what cannot be
/// decoded. What is counted is what each worker publishes, once for each link that it goes along.
class Coordinator final : public Conductor {
 public:
  /// As Conductor. Throws Failure for a graph that is none.
  Coordinator(const RunConfig& config, Channel& channel, RunDirectory& directory, Progress& progress);

 private:
  /// What the letters of this moment say.
  enum class Phase { mail, evaluation };

  void begin_at(std::span<const std::uint8_t>) override {}
  void make_parts() override;
  void decide_stepsize() override;
  bool play(std::uint64_t round) override;
  void save_own(Checkpoint& out) override;
  void load_own(const Checkpoint& from) override;
  void restore_workers() override;
  void leave_state(bool asking) override;
  std::uint64_t longest_from_worker() const override;

  void begin_round(std::uint64_t round);
  void exchange(std::uint64_t round);
  void take_in(std::uint64_t round);
  Bytes publication_of(std::uint64_t round, std::uint32_t worker);
  void count(std::uint64_t round, std::uint32_t worker, std::span<const std::uint8_t> publication);
  void require_played(std::uint64_t round, std::uint32_t worker, std::size_t k, const std::vector<Operation>& program);
  void take_states();
  bool finish_round(std::uint64_t round);
  bool is_watched() const { return journal_.reported(); }
  void watch(std::uint64_t round);
  std::vector<RawVector> gather_x();
  RawVector mean_of(const std::vector<RawVector>& all) const;
  void evaluate(std::uint64_t round, const RawVector& mean);
  void exchange_for_evaluation(std::uint64_t round);
  double consensus_error(const std::vector<RawVector>& all, const RawVector& mean) const;
  void judge_consensus(std::uint64_t round, double error);
  std::span<const std::uint8_t> evaluation_of(std::uint32_t worker, std::size_t size);
  std::uint64_t evaluation_bytes() const;
  void write_checkpoint(std::uint64_t round);
  void undo_open_round();

  Bytes restoration(std::uint32_t worker) override { return began_ ? log_->restoration(worker) : Bytes(); }
  bool is_member(std::uint32_t) const override { return began_; }
  [[noreturn]] void dismiss(std::uint32_t worker) override;
  void count_letter(std::uint32_t, bool) override {}
  Downlink::Letter letter(std::uint32_t worker) override;
  bool distrust(std::uint32_t) override { return false; }
  [[noreturn]] void absorb_late(std::uint64_t, std::uint32_t worker, std::span<const std::uint8_t>) override {
    dismiss(worker);
  }

  std::shared_ptr<const Network> network_;
  std::size_t published_count_;
  bool divides_, begins_with_gradient_;
  Relay relay_;    // of what workers say before their gradients are known
  Relay watched_;  // the same for evaluations
  ProblemMetrics metrics_;

  // Since d is known.
  std::vector<Replica> replicas_;  // of what is published; they only count
  std::optional<PublicationLog> log_;
  std::optional<PushSumWeights> weights_;  // y of this round
  double consensus_ = 1;
  RawVector scratch_;

  Phase phase_ = Phase::mail;
  std::vector<Bytes> mail_;   // of this round
  std::vector<bool> resets_;  // whether the first worker has reset each vector in it
  RawVector mean_;            // of all x, in this round
  bool began_ = false;        // the workers have published
  bool asked_ = false;        // for their states
  bool finite_ = true;
  bool diverged_ = false;
  std::uint64_t published_bytes_ = 0, published_bytes_before_ = 0;  // until now, and until the open round
  double scale_ = 0;                                                // of x at first, squared
  double window_error_ = 0;                                         // at the start of the last hundred rounds
  std::uint64_t window_round_ = 0;
  bool warned_ = false;
};

}  // namespace threepc
