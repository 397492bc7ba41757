#include "record/run_directory.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "failure.hpp"
#include "record/json.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void cannot_write(const std::string& file, int code) {
  throw Failure(Exit::unexpected, file + ": cannot be written: " + std::strerror(code) +
                                      "; free the disk or choose another folder with --out");
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

void refuse_finished(const std::string& folder, bool force) {
  if (force || !fs::exists(folder + "/summary.json")) return;
  throw Failure(Exit::usage,
                folder + ": holds a finished run; choose another folder with --out, or overwrite it with --force");
}

void create(const std::string& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed)
    throw Failure(Exit::unexpected,
                  folder + ": cannot be created: " + failed.message() + "; choose another folder with --out");
}

/// Those of an earlier run must not be mistaken for this one's.
void remove_checkpoints(const std::string& folder) {
  std::error_code ignored;
  std::vector<fs::path> old;
  for (const auto& item : fs::directory_iterator(folder + "/checkpoint", ignored))
    if (item.path().extension() == ".ckpt") old.push_back(item.path());
  for (const fs::path& file : old) fs::remove(file, ignored);
}

/// Up to the first line of a later round, or one that a crash has torn.
std::string lines_until(const std::string& file, std::uint64_t round) {
  std::ifstream in(file);
  std::string text;
  for (std::string line; std::getline(in, line);) {
    const Json json = Json::parse(line, nullptr, false);
    const bool whole = json.is_object() && json.contains("round") && json["round"].is_number_unsigned();
    if (!whole || json["round"].get<std::uint64_t>() > round) break;
    text += line + "\n";
  }
  return text;
}

}  // namespace

RunDirectory::RunDirectory(const std::string& folder, const std::string& config_toml, bool force) : folder_(folder) {
  refuse_finished(folder, force);
  create(folder);
  remove_checkpoints(folder);
  begin(config_toml, "w");
}

RunDirectory::RunDirectory(const std::string& folder, const std::string& config_toml, std::uint64_t round)
    : folder_(folder) {
  replace("metrics.jsonl", lines_until(folder + "/metrics.jsonl", round));
  begin(config_toml, "a");
}

void RunDirectory::begin(const std::string& config_toml, const char* mode) {
  std::error_code ignored;
  fs::remove(folder_ + "/summary.json", ignored);
  replace("config.toml", config_toml);
  metrics_.reset(std::fopen((folder_ + "/metrics.jsonl").c_str(), mode));
  if (!metrics_) cannot_write(folder_ + "/metrics.jsonl", errno);
}

void RunDirectory::add(const Metrics& metrics) {
  const std::string line = to_json_line(metrics) + "\n";
  if (std::fwrite(line.data(), 1, line.size(), metrics_.get()) != line.size())
    cannot_write(folder_ + "/metrics.jsonl", errno);
  if (metrics.seconds - last_sync_ < 1 && metrics.round > 0) return;
  last_sync_ = metrics.seconds;
  sync();
}

void RunDirectory::sync() {
  if (std::fflush(metrics_.get()) != 0) cannot_write(folder_ + "/metrics.jsonl", errno);
}

void RunDirectory::save_model(const RawVector& x) {
  create(folder_ + "/checkpoint");
  replace("checkpoint/x.npy", to_npy(x));
}

void RunDirectory::finish(const Summary& summary) {
  sync();
  replace("summary.json", to_json_text(summary));
}

/// Written beside the target and renamed over it, so that a reader sees the old file or the new one.
void RunDirectory::replace(const std::string& name, const std::string& content) const {
  const std::string file = folder_ + "/" + name;
  const std::string partial = file + ".partial";
  std::unique_ptr<std::FILE, Close> out(std::fopen(partial.c_str(), "w"));
  if (!out) cannot_write(file, errno);
  if (std::fwrite(content.data(), 1, content.size(), out.get()) != content.size() || std::fflush(out.get()) != 0) {
    const int code = errno;
    std::remove(partial.c_str());
    cannot_write(file, code);
  }
  out.reset();
  if (std::rename(partial.c_str(), file.c_str()) != 0) cannot_write(file, errno);
}

}  // namespace threepc
