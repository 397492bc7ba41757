#include "record/checkpoint.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <new>
#include <system_error>
#include <threepc/sdk/bytes.hpp>
#include <utility>

#include "failure.hpp"
#include "hash.hpp"
#include "record/durable_file.hpp"
#include "record/json.hpp"
#include "version.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

constexpr char magic[] = {'T', '3', 'P', 'C', 'C', 'K', 'P', 'T'};
constexpr std::uint32_t format = 2;
constexpr std::size_t kept = 2;

[[noreturn]] void unusable(const std::string& what) { throw Failure(Exit::data, what); }

/// get() would convert whatever number is there, without looking whether it fits.
template <class T>
T whole(const Json& value, const char* what) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::numeric_limits<T>::max())
    unusable("has a malformed header: " + std::string(what) + " is no whole number from 0 to " +
             std::to_string(std::numeric_limits<T>::max()));
  return value.get<T>();
}

template <class T>
T whole_at(const Json& json, const char* key) {
  return whole<T>(json.at(key), key);
}

double or_nan(const Json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

Json sizes_of(const std::vector<std::vector<std::uint8_t>>& blobs) {
  Json sizes = Json::array();
  for (const auto& blob : blobs) sizes.push_back(blob.size());
  return sizes;
}

Json to_json(const Checkpoint& c) {
  const Summary& s = c.summary;
  return {{"threepc_version", version()},
          {"round", c.round},
          {"configuration", c.configuration},
          {"stepsize", number_or_null(s.stepsize)},
          {"A", number_or_null(s.A)},
          {"B", number_or_null(s.B)},
          {"L_minus", number_or_null(s.L_minus)},
          {"L_plus", number_or_null(s.L_plus)},
          {"start_grad_norm_sq", number_or_null(c.start_grad_norm_sq)},
          {"dim", s.dim},
          {"workers", s.workers},
          {"last", to_json(c.last)},
          {"values", c.values},
          {"uplink_bytes", c.uplink_bytes},
          {"downlink_bytes", c.downlink_bytes},
          {"evaluation_bytes", c.evaluation_bytes},
          {"wire_bytes", c.wire_bytes},
          {"seconds", c.seconds},
          {"chain", c.chain},
          {"final_last", to_json(c.final_last)},
          {"final_chain", c.final_chain},
          {"data", c.data},
          {"server_size", c.server.size()},
          {"downlink_size", c.downlink.size()},
          {"worker_sizes", sizes_of(c.workers)}};
}

Metrics metrics_from(const Json& json) {
  Metrics m;
  m.round = whole_at<std::uint64_t>(json, "round");
  m.f = or_nan(json.at("f"));
  m.grad_norm_sq = or_nan(json.at("grad_norm_sq"));
  m.uplink_floats_per_worker = json.at("uplink_floats_per_worker").get<double>();
  m.uplink_bits_per_worker = json.at("uplink_bits_per_worker").get<double>();
  m.downlink_bits_per_worker = json.at("downlink_bits_per_worker").get<double>();
  m.wire_bytes = whole_at<std::uint64_t>(json, "wire_bytes");
  m.skipped = whole_at<std::uint32_t>(json, "skipped");
  m.seconds = json.at("seconds").get<double>();
  return m;
}

Checkpoint from_json(const Json& json) {
  Checkpoint c;
  c.round = whole_at<std::uint64_t>(json, "round");
  c.configuration = json.at("configuration").get<std::vector<std::string>>();
  c.summary.stepsize = or_nan(json.at("stepsize"));
  c.summary.A = or_nan(json.at("A"));
  c.summary.B = or_nan(json.at("B"));
  c.summary.L_minus = or_nan(json.at("L_minus"));
  c.summary.L_plus = or_nan(json.at("L_plus"));
  c.start_grad_norm_sq = or_nan(json.value("start_grad_norm_sq", Json()));
  c.summary.dim = whole_at<std::uint32_t>(json, "dim");
  c.summary.workers = whole_at<std::uint32_t>(json, "workers");
  c.last = metrics_from(json.at("last"));
  c.values = whole_at<std::uint64_t>(json, "values");
  c.uplink_bytes = whole_at<std::uint64_t>(json, "uplink_bytes");
  c.downlink_bytes = whole_at<std::uint64_t>(json, "downlink_bytes");
  if (json.contains("evaluation_bytes")) c.evaluation_bytes = whole_at<std::uint64_t>(json, "evaluation_bytes");
  c.wire_bytes = whole_at<std::uint64_t>(json, "wire_bytes");
  c.seconds = json.at("seconds").get<double>();
  c.chain = whole_at<std::uint64_t>(json, "chain");
  c.final_last = metrics_from(json.at("final_last"));
  c.final_chain = whole_at<std::uint64_t>(json, "final_chain");
  for (const Json& digest : json.at("data")) c.data.push_back(whole<std::uint64_t>(digest, "a digest"));
  return c;
}

std::vector<std::uint8_t> take_blob(tpc::Reader& in, const Json& size) {
  const auto bytes = in.take_span(whole<std::uint64_t>(size, "the size of a state"));
  return {bytes.begin(), bytes.end()};
}

void require_format(std::uint32_t seen) {
  if (seen != format)
    unusable("is of format " + std::to_string(seen) + ", expected " + std::to_string(format) +
             "; use the version of threepc that wrote it");
}

/// Everything but the hash at the end, which has been found right.
Checkpoint parse_content(tpc::Reader in) {
  in.take_span(sizeof magic);
  require_format(in.get<std::uint32_t>());
  const auto text = in.take_span(in.get<std::uint64_t>());
  const Json json = parse_json({reinterpret_cast<const char*>(text.data()), text.size()});
  if (json.is_discarded()) unusable("has a malformed header: it is no JSON");
  Checkpoint c = from_json(json);
  c.server = take_blob(in, json.at("server_size"));
  if (json.contains("downlink_size")) c.downlink = take_blob(in, json.at("downlink_size"));
  for (const Json& size : json.at("worker_sizes")) c.workers.push_back(take_blob(in, size));
  in.finish();
  if (c.workers.size() != c.summary.workers || c.data.size() != c.summary.workers)
    unusable("holds another number of workers than it says");
  return c;
}

std::string name_of(std::uint64_t round) {
  char text[48];
  std::snprintf(text, sizeof text, "round-%012llu.ckpt", static_cast<unsigned long long>(round));
  return text;
}

/// Named by name_of(), unlike a copy that a user has made beside.
bool is_of_run(const fs::path& file) { return file.filename().string().starts_with("round-"); }

/// The files of a folder with such an ending, the newest first: rounds are written with leading zeros.
std::vector<fs::path> listed(const fs::path& folder, const char* ending) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& item : fs::directory_iterator(folder, ignored))
    if (item.path().string().ends_with(ending)) files.push_back(item.path());
  std::sort(files.rbegin(), files.rend());
  return files;
}

/// A fifo or a device opens and reads like a file, but would wait or never end.
Descriptor open_regular(const fs::path& file) {
  Descriptor opened(open(file.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!opened) unusable(std::string("cannot be read: ") + std::strerror(errno));
  struct stat status {};
  if (fstat(opened.get(), &status) != 0 || !S_ISREG(status.st_mode))
    unusable(S_ISDIR(status.st_mode) ? "is a folder, no file" : "is no regular file");
  return opened;
}

/// The first bytes; fewer where the file ends before.
std::vector<std::uint8_t> read_start(const Descriptor& file, std::uint64_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::uint64_t have = 0;
  while (have < size) {
    const ssize_t more = pread(file.get(), bytes.data() + have, size - have, static_cast<off_t>(have));
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) unusable(std::string("cannot be read: ") + std::strerror(errno));
    if (more == 0) break;
    have += static_cast<std::uint64_t>(more);
  }
  bytes.resize(have);
  return bytes;
}

constexpr std::uint64_t preamble = sizeof magic + sizeof format + sizeof(std::uint64_t);
constexpr std::uint64_t largest_header = std::uint64_t{64} << 20;  // a million workers take a sixth of it

/// Of the whole file, by its header; the largest number there is for one that makes no sense.
std::uint64_t size_said_by(const Json& header, std::uint64_t header_size) {
  std::uint64_t size = preamble + header_size + sizeof(std::uint64_t);
  const auto add = [&](std::uint64_t more) { size = more > UINT64_MAX - size ? UINT64_MAX : size + more; };
  add(whole_at<std::uint64_t>(header, "server_size"));
  if (header.contains("downlink_size")) add(whole_at<std::uint64_t>(header, "downlink_size"));
  for (const Json& worker : header.at("worker_sizes")) add(whole<std::uint64_t>(worker, "the size of a state"));
  return size;
}

Json read_header(const Descriptor& file, std::uint64_t length) {
  const std::vector<std::uint8_t> start = read_start(file, preamble + length);
  const auto text = std::span(start).subspan(std::min<std::size_t>(preamble, start.size()));
  Json header = parse_json({reinterpret_cast<const char*>(text.data()), text.size()});
  if (!header.is_object() || !header.contains("server_size") || !header.contains("worker_sizes"))
    unusable("is torn or damaged: its header cannot be read");
  return header;
}

/// Before memory is taken for a file of this size, its header must explain it. What may be wrong beyond that,
/// parse_checkpoint() finds.
void require_explained(const Descriptor& file, std::uint64_t size) {
  const std::vector<std::uint8_t> start = read_start(file, std::min(size, preamble));
  if (start.size() < preamble || std::memcmp(start.data(), magic, sizeof magic) != 0)
    unusable("is no checkpoint of threepc");
  tpc::Reader in(start.data() + sizeof magic, start.size() - sizeof magic);
  require_format(in.get<std::uint32_t>());
  const auto length = in.get<std::uint64_t>();
  if (length > largest_header || length > size - preamble) unusable("is torn or damaged: its header does not end");
  const std::uint64_t said = size_said_by(read_header(file, length), length);
  if (size != said)
    unusable("is torn or damaged: it has " + std::to_string(size) + " bytes, by its header " + std::to_string(said));
  const auto memory =
      static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  if (size > memory) unusable("is larger than this host's memory");
}

std::vector<std::uint8_t> read_all(const fs::path& file) {
  const Descriptor opened = open_regular(file);
  const std::uint64_t size = fs::file_size(file);
  require_explained(opened, size);
  return read_start(opened, size);
}

/// Writes, and hashes on the way.
class Output {
 public:
  explicit Output(const std::string& name) : file_(name) {}
  void add(const void* data, std::size_t size) {
    if (size == 0) return;  // data may be null then
    file_.add(data, size);
    hash_.add(data, size);
  }
  template <class T>
  void add(T value) {
    add(&value, sizeof value);
  }
  void finish() {
    const std::uint64_t hash = hash_.value();
    file_.add(&hash, sizeof hash);
    file_.commit();
  }

 private:
  DurableFile file_;
  StreamingHash hash_;
};

}  // namespace

Checkpoint parse_checkpoint(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < sizeof magic || std::memcmp(bytes.data(), magic, sizeof magic) != 0)
    unusable("is no checkpoint of threepc");
  std::uint64_t said = 0;
  if (bytes.size() < sizeof magic + sizeof said) unusable("is torn");
  const auto content = bytes.first(bytes.size() - sizeof said);
  std::memcpy(&said, content.data() + content.size(), sizeof said);
  if (hash64(content.data(), content.size()) != said) unusable("is torn or damaged: its checksum does not match");
  try {
    return parse_content(tpc::Reader(content.data(), content.size()));
  } catch (const Json::exception& error) {
    unusable(std::string("has a malformed header: ") + error.what());
  } catch (const tpc::Error& error) {
    unusable(std::string("is malformed: ") + error.what());
  }
}

std::vector<std::string> checkpoint_files(const std::string& run_folder) {
  std::vector<std::string> files;
  for (const fs::path& file : listed(fs::path(run_folder) / "checkpoint", ".ckpt")) files.push_back(file.string());
  return files;
}

std::optional<Checkpoint> find_checkpoint(const std::string& run_folder,
                                          const std::function<void(const std::string&)>& warn) {
  for (const std::string& file : checkpoint_files(run_folder)) {
    try {
      return parse_checkpoint(read_all(file));
    } catch (const Failure& failure) {
      warn(file + " " + failure.what() + "; it is passed over");
    } catch (const std::bad_alloc&) {
      warn(file + " does not fit into this host's memory; it is passed over");
    }
  }
  return std::nullopt;
}

Checkpoint read_checkpoint(const std::string& run_folder, const std::function<void(const std::string&)>& warn) {
  std::string faults;
  auto found = find_checkpoint(run_folder, [&](const std::string& fault) {
    warn(fault);
    faults += "\n  " + fault;
  });
  if (found) return std::move(*found);
  throw Failure(Exit::data, run_folder +
                                "/checkpoint: there is no checkpoint to resume from; start the run anew, and set "
                                "[checkpoint] every_rounds or every_seconds" +
                                faults);
}

CheckpointWriter::CheckpointWriter(const std::string& run_folder) : folder_(run_folder + "/checkpoint") {}

void CheckpointWriter::write(Checkpoint checkpoint) {
  if (thread_.joinable()) thread_.join();
  busy_ = true;
  thread_ = std::jthread([this, held = std::move(checkpoint)] {
    try {
      write_file(held);
    } catch (const std::system_error& error) {
      failure_ = fault_of(held, error.code().message());
    } catch (const std::exception& error) {
      failure_ = fault_of(held, error.what());
    }
    busy_ = false;
  });
}

std::string CheckpointWriter::wait() {
  if (thread_.joinable()) thread_.join();
  return std::exchange(failure_, "");
}

std::string CheckpointWriter::fault_of(const Checkpoint& checkpoint, const std::string& reason) const {
  return folder_ + "/" + name_of(checkpoint.round) + ": cannot be written: " + reason +
         "; the run goes on, and the checkpoint before it is kept";
}

void CheckpointWriter::write_file(const Checkpoint& checkpoint) const {
  make_private_folder(folder_);
  const std::string header = to_text(to_json(checkpoint));
  Output out(folder_ + "/" + name_of(checkpoint.round));
  out.add(magic, sizeof magic);
  out.add(format);
  out.add(std::uint64_t{header.size()});
  out.add(header.data(), header.size());
  out.add(checkpoint.server.data(), checkpoint.server.size());
  out.add(checkpoint.downlink.data(), checkpoint.downlink.size());
  for (const auto& worker : checkpoint.workers) out.add(worker.data(), worker.size());
  out.finish();
  remove_older(name_of(checkpoint.round));
}

/// Of later rounds there are only those that were passed over when the run was resumed. They are nothing to go back to,
/// and no reason to remove what is.
void CheckpointWriter::remove_older(const std::string& newest) const {
  std::error_code ignored;
  std::size_t count = 0;
  for (const fs::path& file : listed(folder_, ".ckpt"))
    if (is_of_run(file) && file.filename().string() <= newest && ++count > kept) fs::remove(file, ignored);
  for (const fs::path& torn : listed(folder_, ".ckpt.partial")) fs::remove(torn, ignored);
}

}  // namespace threepc
