#include "runtime/placed.hpp"

#include <cstdlib>
#include <memory>
#include <string>

#include "members/worker.hpp"
#include "signals.hpp"

namespace threepc {

void require_fitting(const RunConfig& config, const Place& place) {
  if (place.members == config.workers + 1) return;
  const std::string wanted = std::to_string(config.workers + 1);
  const std::string workers = std::to_string(place.members - 1);
  throw Failure(Exit::usage, "[workers] count = " + std::to_string(config.workers) + " needs " + wanted +
                                 " processes, one of them the server, but " + std::to_string(place.members) +
                                 " have been started; start " + wanted + ", or --set workers.count=" + workers);
}

void refuse_placed(const RunConfig& config, const char* command) {
  if (!Transport::place(config.transport)) return;
  throw Failure(Exit::usage,
                std::string("threepc ") + command + " is for members that you start one by one; those of '" +
                    config.transport.descriptor->id + "' are started together, all with the same command: threepc run");
}

/// How many processes were started together with this one, by whoever says so: Open MPI, the launchers of MPICH and
/// Intel, srun. Slurm's SLURM_NTASKS would be that of an allocation, in which one process may well run alone.
void refuse_forgotten_job(const RunConfig& config) {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    const char* const text = std::getenv(name);
    const long processes = text == nullptr ? 0 : std::strtol(text, nullptr, 10);
    if (processes <= 1) continue;
    throw Failure(Exit::usage, "this is one of " + std::to_string(processes) +
                                   " processes that were started together (" + name + "), but the transport '" +
                                   config.transport.descriptor->id +
                                   "' makes each of them a whole run of its own; make them one run with --set "
                                   "transport.plugin=mpi, or say --alone if each is meant to be one");
  }
}

/// The first signal is the server's business, which ends the run for all.
Exit work_placed(const RunConfig& config, std::uint32_t rank) {
  const StopSignals ignored;
  const std::unique_ptr<Worker> worker = make_worker(config, rank);
  try {
    worker->join("");
    while (worker->serve_one()) continue;
    return Exit::done;
  } catch (const Failure& failure) {
    if (!worker->await_end_of_server())
      throw Failure(failure.code(), "worker " + std::to_string(rank) + ": " + failure.what());
    return failure.code();
  }
}

}  // namespace threepc
