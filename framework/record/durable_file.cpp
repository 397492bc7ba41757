#include "record/durable_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "failure.hpp"

namespace threepc {
namespace fs = std::filesystem;
namespace {

void require(bool done) {
  if (!done) throw std::system_error(errno, std::generic_category());
}

std::string folder_of(const std::string& file) { return fs::absolute(file).parent_path().string(); }

/// After a rename, so that the name survives a power failure as well. A file system that cannot do that has no remedy.
void sync_folder(const std::string& folder) {
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened) fsync(opened.get());
}

}  // namespace

DurableFile::DurableFile(std::string file)
    : file_(std::move(file)),
      partial_(file_ + ".partial"),
      out_(open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_of_files_in(folder_of(file_)))) {
  require(static_cast<bool>(out_));
}

DurableFile::~DurableFile() {
  if (out_) std::remove(partial_.c_str());
}

void DurableFile::add(const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = write(out_.get(), at, size);
    if (written < 0 && errno == EINTR) continue;
    require(written >= 0);
    at += written;
    size -= static_cast<std::size_t>(written);
  }
}

void DurableFile::commit() {
  require(fsync(out_.get()) == 0);
  require(std::rename(partial_.c_str(), file_.c_str()) == 0);
  out_.reset();
  sync_folder(folder_of(file_));
}

void write_durably(const std::string& file, std::string_view content) {
  DurableFile out(file);
  out.add(content.data(), content.size());
  out.commit();
}

void make_private_folder(const std::string& folder) {
  fs::path path = fs::absolute(folder).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  std::error_code failed;
  fs::create_directories(path.parent_path(), failed);
  if (!failed && mkdir(path.c_str(), S_IRWXU) != 0 && !fs::is_directory(path))
    failed.assign(fs::exists(path) ? ENOTDIR : errno, std::generic_category());
  if (!failed) return;
  std::error_code ignored;
  const fs::path target = fs::read_symlink(path, ignored);
  const std::string reason =
      target.empty() ? failed.message() : "it is a link to " + target.string() + ", which is no folder";
  throw Failure(Exit::unexpected, folder + ": cannot be created: " + reason + "; choose another folder with --out");
}

mode_t mode_of_files_in(const std::string& folder) {
  struct stat status {};
  const mode_t readers = stat(folder.c_str(), &status) == 0 ? status.st_mode & (S_IRGRP | S_IROTH) : 0;
  return S_IRUSR | S_IWUSR | readers;
}

}  // namespace threepc
