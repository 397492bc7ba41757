#include "job.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <threepc/sdk/error.hpp>

namespace threepc::mpi {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto grace = std::chrono::seconds(10);  // between the exits of the first and the last process
constexpr const char* how_to_start =
    "start the server and its workers together: mpirun -n 4 threepc run run.toml is a "
    "server and 3 workers; under Slurm, srun --mpi=pmix";

/// Set by mpirun and by srun with a PMI. Without any MPI would start as a job of one, slowly.
bool was_started() {
  constexpr const char* marks[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"};
  return std::any_of(std::begin(marks), std::end(marks), [](const char* mark) { return std::getenv(mark) != nullptr; });
}

}  // namespace

void check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw tpc::Error(TPC_IO, tpc::text(call, ": ", text));
}

/// Shorter sleeps spend more of the processor on looking.
void Backoff::pause() {
  if (++pauses_ <= spins_) return;
  std::this_thread::sleep_for(std::chrono::microseconds(std::min(50 + (pauses_ - spins_) / 2, 500u)));
}

Job& Job::enter() {
  if (!was_started()) throw tpc::Error(TPC_UNSUPPORTED, tpc::text("this process is alone; ", how_to_start));
  static Job job;
  if (job.size() < 2) throw tpc::Error(TPC_UNSUPPORTED, tpc::text("this job has one process; ", how_to_start));
  return job;
}

/// Where processes are many, mpirun makes Open MPI yield the processor in every look for a message. On a busy host that
/// hands it to others for a whole time slice, several times a round; Backoff sleeps instead. What the user says stays.
Job::Job() {
  setenv("OMPI_MCA_mpi_yield_when_idle", "0", 0);
  int provided = 0;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
  ::on_exit(on_exit, this);
  if (provided < MPI_THREAD_SERIALIZED)
    throw tpc::Error(TPC_UNSUPPORTED,
                     "this MPI library may be called from one thread only; threepc needs "
                     "MPI_THREAD_SERIALIZED");
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_dup(MPI_COMM_WORLD, &communicator_), "MPI_Comm_dup");  // inherits the error handler
  check(MPI_Comm_rank(communicator_, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(communicator_, &size_), "MPI_Comm_size");
  const int here = neighbours();
  spins_ = here <= sysconf(_SC_NPROCESSORS_ONLN) ? 2000 : 0;
  on_several_hosts_ = here < size_;
}

int Job::neighbours() const {
  MPI_Comm here = MPI_COMM_NULL;
  int count = 0;
  check(MPI_Comm_split_type(communicator_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &here), "MPI_Comm_split_type");
  check(MPI_Comm_size(here, &count), "MPI_Comm_size");
  check(MPI_Comm_free(&here), "MPI_Comm_free");
  return count;
}

int Job::begin_run() {
  if (state_ == State::running)
    throw tpc::Error(TPC_UNSUPPORTED, "this process already takes part in a run over MPI, and can be one member only");
  state_ = State::running;
  return ++runs_;
}

void Job::end_run(bool orderly) { state_ = orderly ? State::orderly : State::broken; }

void Job::on_exit(int status, void* self) { static_cast<Job*>(self)->leave(status); }

/// MPI_Finalize waits for all processes, without a deadline: it is called when all are known to be here. A server
/// that has failed early does not wait for that, because its workers do not know; a worker gives the server the
/// time to say what is wrong.
void Job::leave(int status) {
  const bool may_wait = state_ == State::orderly || (state_ == State::no_run && (status == 0 || rank_ != 0));
  if (may_wait && all_leave())
    MPI_Finalize();
  else
    MPI_Abort(MPI_COMM_WORLD, status == 0 ? EXIT_FAILURE : status);
}

bool Job::all_leave() {
  if (communicator_ == MPI_COMM_NULL) return false;
  MPI_Request request = MPI_REQUEST_NULL;
  int done = MPI_Ibarrier(communicator_, &request) != MPI_SUCCESS ? -1 : 0;
  const auto deadline = Clock::now() + grace;
  for (Backoff backoff = patience(); done == 0 && Clock::now() < deadline; backoff.pause())
    if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return false;
  return done == 1;
}

}  // namespace threepc::mpi
