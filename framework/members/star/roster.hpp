// The server's view of its workers: who takes part in a round, who is late, who is lost, and how they come back.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "members/channel.hpp"
#include "members/star/downlink.hpp"
#include "members/star/parcels.hpp"

namespace threepc {

/// A lost worker is a worker that skips: its g_i stays in the aggregate ([faults] on_worker_loss = "lazy"), or the
/// round waits for it ("wait"), or the run ends ("stop", and wherever the transport cannot take a worker in again).
///
/// A worker that comes back is introduced as at the start (hello, configuration, facts), and is then given the state
/// that the aggregate assumes for it (restore, which it confirms). One that was never gone, but silent for longer
/// than the time-out or caught with a damaged update, is given the state alone.
///
/// One that leaves for good takes its g_i with it, a moment later, and g is the mean over the others; one that joins
/// when the run has begun starts as everybody did, with its dense gradient, which is counted. If nobody stays, that is
/// no decision about who takes part but the end of their machines: then all are lost, and the run waits for them.
///
/// Whatever one worker says or sends costs that worker alone. Where trying again cannot help, it is refused: told why,
/// in a message that ends it. Another one may join under its rank.
///
/// One that misses [faults] round_deadline is late: it counts as skipping, is asked nothing more, and its update is
/// absorbed, whole, between two rounds as soon as it is there.
class Roster {
 public:
  /// What the roster needs of the server's state.
  class Home {
   public:
    virtual ~Home() = default;
    /// The data of the restore message of a worker, and the round that it is the end of.
    virtual Bytes restoration(std::uint32_t worker) = 0;
    virtual std::uint64_t restoration_round() const = 0;
    virtual double stepsize() const = 0;
    /// Throws Failure unless a worker with these facts fits the run. `x0` is what worker 0 sends with them.
    virtual void accept(std::uint32_t worker, const WorkerFacts& facts, std::span<const std::uint8_t> x0) = 0;
    /// Whether the worker's g_i is in the aggregate: one that has joined late is no member until it first takes part.
    virtual bool is_member(std::uint32_t worker) const = 0;
    /// The worker has left for good.
    virtual void dismiss(std::uint32_t worker) = 0;
    virtual void warn(const std::string& text) = 0;
    /// The worker is told x^t, once in a round; `asked`: it takes part.
    virtual void count_letter(std::uint32_t worker, bool asked) = 0;
    /// How, valid until the round is over.
    virtual Downlink::Letter letter(std::uint32_t worker) = 0;
    /// The worker's steps have not led it to x^t. False: it was sent none.
    virtual bool distrust(std::uint32_t worker) = 0;
    /// Throws Failure, and has absorbed nothing then, if it cannot be decoded.
    virtual void absorb_late(std::uint64_t round, std::uint32_t worker, std::span<const std::uint8_t> program) = 0;
  };

  /// All outlive the roster.
  Roster(const RunConfig& config, Channel& channel, Home& home);

  /// Whether the loss of a worker can be survived; otherwise it is thrown as Failure(Exit::peer).
  bool survives() const { return survives_; }

  /// Before the rounds: waits for the workers that the run begins with, which are at least fewest(), rank 0 among them
  /// because it knows x^0, and all that are needed. Gives each the configuration and takes its facts, in worker order:
  /// one that does not fit, or is gone, ends the run. Who has not joined by then is new when it comes.
  void assemble(const std::function<bool(std::uint32_t)>& is_needed);
  /// [workers] start; all, where members cannot come later.
  std::uint32_t fewest() const;
  /// Gives those that are there their states of the end of `round`, of a run that goes on; each confirms.
  void restore_all(std::uint64_t round, const std::vector<Bytes>& states);

  /// Before round `round`: hears those who are not present. Waits only if nobody is.
  void admit(std::uint64_t round);
  /// Tells x^round to the workers that are present; those that are not `sampled` (empty: all are) are told only if they
  /// are members and an evaluation is wanted.
  void ask(std::uint64_t round, bool evaluate, const std::vector<bool>& sampled);
  /// Of a problem whose workers say something to each other first: carries that, stage by stage, in the round that
  /// `relay` has begun; `evaluation`: for the metrics alone. Throws Failure(Exit::peer) where a worker has left: the
  /// others cannot go on without it. `relay` outlives the round.
  void exchange(Relay& relay, bool evaluation);
  /// Waits for the updates of the workers that were asked.
  void collect();
  /// What the worker has sent in this round is no message of a member that is in its senses: it is lost, and told so.
  /// If the run waits for who is lost, its next update is waited for; otherwise update() has none.
  void refuse(std::uint32_t worker, const Failure& failure);
  /// The same, but nothing more is wanted of it in this round.
  void expel(std::uint32_t worker, const Failure& failure);
  /// The program of a worker in this round; nullopt: it is absent. In the transport's memory, until the next call
  /// that waits for this worker.
  const std::optional<std::span<const std::uint8_t>>& update(std::uint32_t worker) const {
    return seats_[worker].update;
  }
  std::vector<std::uint32_t> absent() const;
  /// Whether the worker is late with its update of `round`.
  bool owes(std::uint32_t worker, std::uint64_t round) const {
    return seats_[worker].presence == Presence::late && seats_[worker].owed == round;
  }
  /// The evaluation of a worker, or nullopt.
  std::optional<std::span<const std::uint8_t>> evaluation(std::uint32_t worker);
  /// What the worker says of a diagnose message that was announced, or nullopt.
  std::optional<std::span<const std::uint8_t>> diagnosis(std::uint32_t worker);
  /// The profile of a worker that was asked for it by an announcement, or nullopt.
  std::optional<std::span<const std::uint8_t>> profile(std::uint32_t worker);
  /// Sends a message to all who are present.
  void announce(MessageType type, std::uint64_t round, std::span<const std::uint8_t> data = {});
  bool is_present(std::uint32_t worker) const { return seats_[worker].presence == Presence::present; }

  /// Whether it has said that it leaves, and its g_i has not left yet.
  bool is_leaving(std::uint32_t worker) const { return seats_[worker].presence == Presence::leaving; }

  /// Asks all who are present for their state at the end of `round`. It comes before their next update.
  void request_snapshots(std::uint64_t round);
  /// Waits for what is still to come. One for each worker; nullopt: it was not there.
  std::vector<std::optional<Bytes>> take_snapshots();

  /// The round that was last begun.
  std::uint64_t round() const { return round_; }
  /// How many workers were lost so far, each time counted.
  std::uint64_t losses() const { return losses_; }

 private:
  enum class Presence {
    present,     // takes part
    late,        // owes an update
    restoring,   // was given its state and has not confirmed
    introduced,  // was given the configuration and has not sent its facts
    absent,
    leaving,  // for good, in a moment; one that joins under its rank before that is who it was
    left      // for good; one that joins under its rank is new
  };
  struct Seat {
    Presence presence = Presence::present;
    std::int64_t since = 0;  // of being late, or leaving, tpc_host.now
    std::uint64_t owed = 0;  // the round of which a late one owes the update
    bool asked = false;
    bool is_new = false;  // it was given no state
    std::optional<std::span<const std::uint8_t>> update;
    bool snapshot_due = false;
    std::optional<Bytes> snapshot;
    std::string why;             // it was lost
    Exit fault = Exit::peer;     // and what it blamed
    std::uint64_t warnings = 0;  // about it so far
  };
  /// Something that a worker is to send.
  struct Wanted {
    MessageType type;
    std::uint64_t round;
    const char* name;   // "the update"
    Question question;  // at x^t, of a worker that came back
    bool may_be_late;
  };

  bool may_begin(const std::function<bool(std::uint32_t)>& is_needed);
  void greet(std::uint32_t worker);
  void await_greeting();
  void tell_assembled(MessageType type, std::uint64_t round,
                      const std::function<std::span<const std::uint8_t>(std::uint32_t)>& data);

  Question question_to(std::uint32_t worker) const { return {Form::model, seats_[worker].asked, evaluate_}; }
  bool is_told(std::uint32_t worker) const;
  bool tell_all(std::uint64_t round);
  bool tell_x(std::uint32_t worker, Question question, std::uint64_t round);
  Wanted wanted_update() const {
    return {MessageType::update, round_, "the update", {Form::model, true, evaluate_}, true};
  }
  void await_parcels(std::uint32_t worker, Question question);
  bool take_parcels(std::uint32_t worker, const Wanted& wanted, const tpc_message& message);
  void await_update(std::uint32_t worker);
  std::optional<tpc_message> obtain(std::uint32_t worker, const Wanted& wanted);
  bool is_awaited(std::uint32_t worker) const;
  bool goes_on_without(std::uint32_t worker) const;
  bool is_wanted(std::uint32_t worker, const Wanted& wanted, const tpc_message& message);
  void on_silence(std::uint32_t worker, const Wanted& wanted);
  std::int64_t deadline(const Wanted& wanted) const;

  void listen(std::uint32_t worker, std::int64_t until);
  void judge_silence(std::uint32_t worker, const Heard& heard);
  void turned_back(std::uint32_t worker, const Heard& heard);
  void handle(std::uint32_t worker, const tpc_message& message);
  void introduce(std::uint32_t worker);
  void take_facts(std::uint32_t worker, const tpc_message& message);
  void begin_late(std::uint32_t worker, const tpc_message& message);
  void restore(std::uint32_t worker);
  void settle_debt(std::uint32_t worker, const tpc_message& message);
  void come_back(std::uint32_t worker);
  void say_farewell(std::uint32_t worker);
  void dismiss_leaving();
  void keep_leaving();
  void lose(std::uint32_t worker, const std::string& why, bool connected, Exit fault = Exit::peer);
  void turn_away(std::uint32_t worker, const Failure& failure);
  void warn(std::uint32_t worker, const std::string& text);
  double patience() const;
  void await_return(std::uint32_t worker, std::int64_t until);
  void await_anybody();
  bool is_anybody_present() const;
  void end_if_all_failed() const;
  std::string last_words() const;
  bool tell(std::uint32_t worker, MessageType type, std::uint64_t round, std::span<const std::uint8_t> data);

  const RunConfig* config_;
  Channel* channel_;
  Home* home_;
  Relay* relay_ = nullptr;
  bool survives_;
  std::vector<Seat> seats_;
  std::uint64_t round_ = 0;
  std::int64_t began_ = 0;  // the round, tpc_host.now
  bool evaluate_ = false;   // the round is evaluated
  std::uint64_t snapshot_round_ = 0;
  std::uint64_t losses_ = 0;
};

}  // namespace threepc
