// checkpoint/round-N.ckpt of a run directory: everything that the bits of later rounds depend on.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "record/metrics.hpp"
#include "record/summary.hpp"

namespace threepc {

/// A run between two rounds, consistent over the server and all workers.
struct Checkpoint {
  std::uint64_t round = 0;                 // the last one that is over
  std::vector<std::string> configuration;  // agreement() of the run
  Summary summary;                         // step size and constants, dim and workers; the rest unset
  Metrics last;                            // of the last evaluated round, run.evaluate_every being what it is
  std::uint64_t values = 0, uplink_bytes = 0, downlink_bytes = 0, wire_bytes = 0;  // counters until `round`
  std::uint64_t evaluation_bytes = 0;  // without those of a last line that came before its time
  double start_grad_norm_sq = std::numeric_limits<double>::quiet_NaN();  // the first that is not 0
  double seconds = 0;
  std::uint64_t chain = 0;                         // HashChain
  Metrics final_last;                              // the same two with the line that ended the run, which a run that
  std::uint64_t final_chain = 0;                   // goes on with more rounds does not have
  std::vector<std::uint64_t> data;                 // the digest of what each worker has read; 0: of none
  std::vector<std::uint8_t> server;                // x, g, optimizer
  std::vector<std::uint8_t> downlink;              // what the workers have been told
  std::vector<std::vector<std::uint8_t>> workers;  // a WorkerState each
};

/// The file's bytes are: magic "T3PCCKPT", format (u32), length of a JSON text (u64), that text, which holds the
/// scalars and the sizes of the blobs, the blobs, and XXH3-64 of all that (u64).
/// Throws Failure(Exit::data), which says what is wrong, for bytes that are torn, damaged or of another kind of file.
Checkpoint parse_checkpoint(std::span<const std::uint8_t> bytes);

/// The newest usable checkpoint of a run directory. `warn` is told about each newer file that is passed over, and in
/// find_checkpoint() also about the last. Neither waits, whatever a file is, nor takes memory for what it only claims.
/// read_checkpoint() throws Failure(Exit::data) if there is none.
std::optional<Checkpoint> find_checkpoint(const std::string& run_folder,
                                          const std::function<void(const std::string&)>& warn);
Checkpoint read_checkpoint(const std::string& run_folder, const std::function<void(const std::string&)>& warn);

/// The files that may be checkpoints of a run directory, the newest first, usable or not.
std::vector<std::string> checkpoint_files(const std::string& run_folder);

/// Writes checkpoints in a thread of its own, so that rounds go on meanwhile, and keeps the last two. A file appears
/// whole or not at all. One that cannot be written, on a full disk, harms neither the run nor those before it.
/// One thread at a time.
class CheckpointWriter {
 public:
  explicit CheckpointWriter(const std::string& run_folder);
  ~CheckpointWriter() { wait(); }

  /// Waits until the one before is written.
  void write(Checkpoint checkpoint);
  /// Whether the last one is still being written.
  bool busy() const { return busy_; }
  /// Until all is written. Returns why the last one was not, once; "" if it was.
  std::string wait();

 private:
  void write_file(const Checkpoint& checkpoint) const;
  void remove_older(const std::string& newest) const;
  std::string fault_of(const Checkpoint& checkpoint, const std::string& reason) const;

  std::string folder_;
  std::atomic<bool> busy_{false};
  std::jthread thread_;
  std::string failure_;
};

}  // namespace threepc
