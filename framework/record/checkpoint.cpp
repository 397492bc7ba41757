#include "record/checkpoint.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <threepc/sdk/bytes.hpp>
#include <utility>

#include "failure.hpp"
#include "hash.hpp"
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
          {"dim", s.dim},
          {"workers", s.workers},
          {"last", to_json(c.last)},
          {"values", c.values},
          {"uplink_bytes", c.uplink_bytes},
          {"downlink_bytes", c.downlink_bytes},
          {"wire_bytes", c.wire_bytes},
          {"seconds", c.seconds},
          {"chain", c.chain},
          {"final_last", to_json(c.final_last)},
          {"final_chain", c.final_chain},
          {"data", c.data},
          {"server_size", c.server.size()},
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
  c.summary.dim = whole_at<std::uint32_t>(json, "dim");
  c.summary.workers = whole_at<std::uint32_t>(json, "workers");
  c.last = metrics_from(json.at("last"));
  c.values = whole_at<std::uint64_t>(json, "values");
  c.uplink_bytes = whole_at<std::uint64_t>(json, "uplink_bytes");
  c.downlink_bytes = whole_at<std::uint64_t>(json, "downlink_bytes");
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

/// Everything but the hash at the end, which has been found right.
Checkpoint parse_content(tpc::Reader in) {
  in.take_span(sizeof magic);
  if (const auto seen = in.get<std::uint32_t>(); seen != format)
    unusable("is of format " + std::to_string(seen) + ", expected " + std::to_string(format) +
             "; use the version of threepc that wrote it");
  const auto text = in.take_span(in.get<std::uint64_t>());
  const Json json = Json::parse(text.begin(), text.end());
  Checkpoint c = from_json(json);
  c.server = take_blob(in, json.at("server_size"));
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

/// The checkpoints of a folder, or what a crash has left of them (".ckpt.partial"), the newest first.
std::vector<fs::path> listed(const fs::path& folder, const char* ending = ".ckpt") {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& item : fs::directory_iterator(folder, ignored))
    if (item.path().string().ends_with(ending)) files.push_back(item.path());
  std::sort(files.rbegin(), files.rend());
  return files;
}

std::vector<std::uint8_t> read_all(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) unusable(std::string("cannot be read: ") + std::strerror(errno));
  std::vector<std::uint8_t> bytes(fs::file_size(file));
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  return bytes;
}

/// A file that is written, hashed on the way, and synced; every call is checked.
class Output {
 public:
  explicit Output(const std::string& name) : file_(std::fopen(name.c_str(), "wb")) { check(file_ != nullptr); }
  ~Output() {
    if (file_ != nullptr) std::fclose(file_);
  }
  Output(const Output&) = delete;
  void add(const void* data, std::size_t size) {
    if (size == 0) return;  // data may be null then
    check(std::fwrite(data, 1, size, file_) == size);
    hash_.add(data, size);
  }
  template <class T>
  void add(T value) {
    add(&value, sizeof value);
  }
  void finish() {
    const std::uint64_t hash = hash_.value();
    check(std::fwrite(&hash, 1, sizeof hash, file_) == sizeof hash);
    check(std::fflush(file_) == 0 && fsync(fileno(file_)) == 0);
    check(std::fclose(std::exchange(file_, nullptr)) == 0);
  }

 private:
  static void check(bool good) {
    if (!good) throw Failure(Exit::unexpected, std::strerror(errno));
  }
  std::FILE* file_;
  StreamingHash hash_;
};

/// After a rename, so that the name survives a power failure as well.
void sync_folder(const std::string& folder) {
  const int opened = open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (opened < 0) return;
  fsync(opened);
  close(opened);
}

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
  } catch (const Json::parse_error& error) {  // whose text has what was read in it, whatever that was
    unusable("has a malformed header: no JSON from its byte " + std::to_string(error.byte) + " on");
  } catch (const Json::exception& error) {
    unusable(std::string("has a malformed header: ") + error.what());
  } catch (const tpc::Error& error) {
    unusable(std::string("is malformed: ") + error.what());
  }
}

Checkpoint read_checkpoint(const std::string& run_folder, const std::function<void(const std::string&)>& warn) {
  const fs::path folder = fs::path(run_folder) / "checkpoint";
  std::string faults;
  for (const fs::path& file : listed(folder)) {
    try {
      return parse_checkpoint(read_all(file));
    } catch (const Failure& failure) {
      const std::string fault = file.string() + " " + failure.what();
      warn(fault + "; trying the one before");
      faults += "\n  " + fault;
    }
  }
  throw Failure(Exit::data, folder.string() +
                                ": there is no checkpoint to resume from; start the run anew, and set [checkpoint] "
                                "every_rounds or every_seconds" +
                                faults);
}

CheckpointWriter::CheckpointWriter(const std::string& run_folder) : folder_(run_folder + "/checkpoint") {}

void CheckpointWriter::write(Checkpoint checkpoint) {
  if (thread_.joinable()) thread_.join();
  busy_ = true;
  thread_ = std::jthread([this, held = std::move(checkpoint)] {
    try {
      write_file(held);
    } catch (const std::exception& error) {
      failure_ = folder_ + "/" + name_of(held.round) + ": cannot be written: " + error.what() +
                 "; the run goes on, and the checkpoint before it is kept";
    }
    busy_ = false;
  });
}

std::string CheckpointWriter::wait() {
  if (thread_.joinable()) thread_.join();
  return std::exchange(failure_, "");
}

void CheckpointWriter::write_file(const Checkpoint& checkpoint) const {
  fs::create_directories(folder_);
  const std::string file = folder_ + "/" + name_of(checkpoint.round), partial = file + ".partial";
  const std::string header = to_json(checkpoint).dump();
  try {
    Output out(partial);
    out.add(magic, sizeof magic);
    out.add(format);
    out.add(std::uint64_t{header.size()});
    out.add(header.data(), header.size());
    out.add(checkpoint.server.data(), checkpoint.server.size());
    for (const auto& worker : checkpoint.workers) out.add(worker.data(), worker.size());
    out.finish();
    fs::rename(partial, file);
  } catch (...) {
    std::remove(partial.c_str());
    throw;
  }
  sync_folder(folder_);
  const std::vector<fs::path> files = listed(folder_);
  for (std::size_t i = kept; i < files.size(); ++i) fs::remove(files[i]);
  for (const fs::path& torn : listed(folder_, ".ckpt.partial")) fs::remove(torn);
}

}  // namespace threepc
