#include "record/run_directory.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "failure.hpp"
#include "record/durable_file.hpp"
#include "record/json.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

std::string cannot_write(const std::string& file, const std::system_error& error) {
  return file + ": cannot be written: " + error.code().message();
}

/// NumPy's .npy format, version 1.0: a header padded to 64 bytes, then the values.
std::string to_npy(const RawVector& x) {
  std::string header = std::string("{'descr': '") + (x.dtype() == TPC_F32 ? "<f4" : "<f8") +
                       "', 'fortran_order': False, 'shape': (" + std::to_string(x.dim()) + ",), }";
  constexpr std::size_t preamble = 10;
  header.resize((preamble + header.size() + 1 + 63) / 64 * 64 - preamble - 1, ' ');
  header += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(header.size() & 0xff);
  out += static_cast<char>(header.size() >> 8);
  out += header;
  out.append(reinterpret_cast<const char*>(x.bytes()), x.size_bytes());
  return out;
}

/// Those of an earlier run, and its model, must not be mistaken for this one's.
void remove_checkpoints(const std::string& folder) {
  std::error_code ignored;
  std::vector<fs::path> old;
  for (const auto& item : fs::directory_iterator(folder + "/checkpoint", ignored))
    if (item.path().extension() == ".ckpt" || item.path().filename() == "x.npy") old.push_back(item.path());
  for (const fs::path& file : old) fs::remove(file, ignored);
}

std::string folder_made(const std::string& folder) {
  make_private_folder(folder);
  return folder;
}

}  // namespace

std::optional<Ending> ending_of(const std::string& run_folder) {
  std::ifstream in(run_folder + "/summary.json");
  const Json json = parse_json(std::string(std::istreambuf_iterator<char>(in), {}));
  if (!json.is_object()) return std::nullopt;
  const auto number = [&](const char* key) {
    return json.contains(key) && json[key].is_number() ? json[key].get<double>() : NAN;
  };
  Ending ending;
  ending.stopped_by = json.value("stopped_by", Json()).is_string() ? json["stopped_by"].get<std::string>() : "";
  ending.last.round = json.value("round", Json()).is_number_unsigned() ? json["round"].get<std::uint64_t>() : 0;
  ending.last.grad_norm_sq = number("grad_norm_sq");
  ending.last.uplink_bits_per_worker = number("uplink_bits_per_worker");
  ending.last.seconds = number("seconds");
  return ending;
}

RunDirectory::RunDirectory(const std::string& folder) : folder_(folder_made(folder)), lock_(folder_) {
  if (!lock_.doubt().empty()) warnings_.push_back(lock_.doubt());
}

void RunDirectory::start(const std::string& config_toml) {
  std::error_code ignored;
  if (fs::file_size(folder_ + "/metrics.jsonl", ignored) > 0 && !ignored)
    warnings_.push_back(folder_ + ": held a run without a checkpoint to go on from; it is started anew");
  begin(config_toml, 0);
  remove_checkpoints(folder_);  // only now: a disk that is full has failed before
}

void RunDirectory::go_on(const std::string& config_toml, const ExpectedLines& lines) {
  const Continuation kept = continue_metrics(folder_ + "/metrics.jsonl", lines);
  warnings_.insert(warnings_.end(), kept.warnings.begin(), kept.warnings.end());
  begin(config_toml, kept.size);
}

/// A summary goes only when there is a checkpoint to get it from again, or when all begins anew.
void RunDirectory::begin(const std::string& config_toml, std::uint64_t metrics_size) {
  try {
    write_durably(folder_ + "/config.toml", config_toml);
  } catch (const std::system_error& error) {
    throw Failure(Exit::unexpected, cannot_write(folder_ + "/config.toml", error) +
                                        "; free the disk or choose another folder with --out");
  }
  metrics_ = std::make_unique<MetricsFile>(folder_ + "/metrics.jsonl", metrics_size);
  std::error_code ignored;
  fs::remove(folder_ + "/summary.json", ignored);
  fs::remove(folder_ + "/profile.json", ignored);
}

void RunDirectory::add(const Metrics& metrics) { metrics_->add(to_json_line(metrics)); }

void RunDirectory::sync() { metrics_->flush(); }

void RunDirectory::save_model(const RawVector& x) {
  try {
    make_private_folder(folder_ + "/checkpoint");
  } catch (const Failure& failure) {
    return add_fault(failure.what());
  }
  replace("checkpoint/x.npy", to_npy(x));
}

void RunDirectory::save_profile(const RunProfile& profile, const std::string& trace) {
  replace("profile.json", profile_json(profile));
  if (trace.empty()) return;
  try {
    write_durably(trace, trace_json(profile));
  } catch (const std::system_error& error) {
    add_fault(cannot_write(trace, error));
  }
}

void RunDirectory::finish(const Summary& summary) {
  sync();
  replace("summary.json", to_json_text(summary));
  // Only now once more: lines that found no space before must not take the summary's.
  if (const std::string loss = metrics_->finish(); !loss.empty()) add_fault(loss);
}

void RunDirectory::replace(const std::string& name, const std::string& content) {
  const std::string file = folder_ + "/" + name;
  try {
    write_durably(file, content);
  } catch (const std::system_error& error) {
    add_fault(cannot_write(file, error));
  }
}

void RunDirectory::add_fault(const std::string& text) { fault_ += (fault_.empty() ? "" : "; ") + text; }

}  // namespace threepc
