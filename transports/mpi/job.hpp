// The processes that mpirun or srun has started together: MPI's state, of which a process has one.
#pragma once

#include <mpi.h>

#include <string>

namespace threepc::mpi {

/// Throws tpc::Error(TPC_IO) with MPI's own text unless `code` is MPI_SUCCESS.
void check(int code, const char* call);

/// Between two looks at what only polling shows: at first nothing, so that a fast answer is seen fast, then sleep,
/// ever longer.
class Backoff {
 public:
  explicit Backoff(unsigned spins) : spins_(spins) {}
  void pause();

 private:
  unsigned spins_;
  unsigned pauses_ = 0;
};

/// A process enters once, and leaves when it exits: then all processes of the job end MPI together, or, where that
/// cannot be, MPI_Abort ends them all with this one's exit code. One thread at a time.
class Job {
 public:
  /// The first call starts MPI. Throws tpc::Error(TPC_UNSUPPORTED), with what to do, where nobody has started
  /// several processes.
  static Job& enter();

  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool on_several_hosts() const { return on_several_hosts_; }
  /// Of all processes, for frames and for broadcasts of this job alone. Errors are returned.
  MPI_Comm communicator() const { return communicator_; }
  /// For one wait. Where a host has more processes than processors it sleeps at once: who spins keeps others from
  /// sending what it waits for.
  Backoff patience() const { return Backoff(spins_); }

  /// A run begins; returns a tag that no earlier run of this job has used. Throws while another run is in progress:
  /// a process is one member.
  int begin_run();
  /// It has ended; `orderly` if all members have said goodbye.
  void end_run(bool orderly);

 private:
  enum class State { no_run, running, orderly, broken };

  Job();
  static void on_exit(int status, void* self);
  void leave(int status);
  bool all_leave();
  int neighbours() const;  // processes on this host

  int rank_ = 0, size_ = 0;
  MPI_Comm communicator_ = MPI_COMM_NULL;
  State state_ = State::no_run;
  int runs_ = 0;
  unsigned spins_ = 0;
  bool on_several_hosts_ = false;
};

}  // namespace threepc::mpi
