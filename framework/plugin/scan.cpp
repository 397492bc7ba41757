#include "plugin/scan.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <sstream>
#include <tuple>

#include "failure.hpp"
#include "plugin/crash.hpp"
#include "plugin/library.hpp"

namespace threepc {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
constexpr auto patience = std::chrono::seconds(10);
constexpr std::size_t longest_record = std::size_t{1} << 20;
constexpr char refused = '!';

// ---- the child. A record is its size as a u32, then a reason after '!', or a line "KIND ID KEY KEY ..." for each plugin;
// ids and keys have been checked and hold no blanks.

std::string record_of(const std::string& file) {
  try {
    std::string text;
    for (const tpc_descriptor* d : load_library(file).descriptors) {
      text += std::to_string(d->kind) + " " + d->id;
      for (std::uint32_t i = 0; i < d->param_count; ++i) text += std::string(" ") + d->params[i]->key;
      text += "\n";
    }
    return text;
  } catch (const std::exception& failure) {
    return refused + std::string(failure.what());
  }
}

void write_all(int to, const void* data, std::size_t size) {
  const auto* at = static_cast<const char*>(data);
  for (ssize_t wrote = 0; size > 0; at += wrote, size -= static_cast<std::size_t>(wrote)) {
    wrote = write(to, at, size);
    if (wrote < 0 && errno == EINTR) wrote = 0;
    if (wrote < 0) _exit(1);  // nobody listens any more
  }
}

/// No output, no core file, no life of its own.
void keep_quiet(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  remove_crash_reports();
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (nowhere >= 0) dup2(nowhere, standard);
}

[[noreturn]] void report_on(std::span<const std::string> files, int to, pid_t parent) {
  keep_quiet(parent);
  for (const std::string& file : files) {
    const std::string record = record_of(file);
    const auto size = static_cast<std::uint32_t>(record.size());
    write_all(to, &size, sizeof size);
    write_all(to, record.data(), record.size());
  }
  _exit(0);  // what a plugin has registered for the end of the process does not run
}

// ---- the parent

/// A child that looks at `files`; killed and waited for at the end.
class Child {
 public:
  explicit Child(std::span<const std::string> files) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) refuse();
    const pid_t parent = getpid();
    id_ = fork();
    if (id_ == 0) report_on(files, ends[1], parent);
    const int reason = errno;
    close(ends[1]);
    from_ = ends[0];
    if (id_ >= 0) return;
    close(from_);
    errno = reason;
    refuse();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    close(from_);
    if (!status_) stop();
  }

  /// The next record; nothing if the child has ended or does not answer.
  std::optional<std::string> next() {
    const auto until = Clock::now() + patience;
    std::uint32_t size = 0;
    if (!read_all(&size, sizeof size, until) || size > longest_record) return std::nullopt;
    std::string record(size, '\0');
    if (!read_all(record.data(), size, until)) return std::nullopt;
    return record;
  }

  /// Why there is no further record.
  std::string end() {
    stop();
    if (WIFEXITED(*status_)) return "ended the process when it was loaded";
    const int signal = WTERMSIG(*status_);
    if (late_) return "was not loaded within " + std::to_string(patience.count()) + " s";
    return "crashed when it was loaded: signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
  }

 private:
  [[noreturn]] static void refuse() {
    throw Failure(Exit::unexpected,
                  std::string("plugins are looked at in a child process, and there is none: ") + std::strerror(errno));
  }

  bool read_all(void* to, std::size_t size, Clock::time_point until) {
    auto* at = static_cast<char*>(to);
    while (size > 0) {
      const ssize_t got = wait_for_data(until) ? read(from_, at, size) : 0;
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      at += got, size -= static_cast<std::size_t>(got);
    }
    return true;
  }

  bool wait_for_data(Clock::time_point until) {
    pollfd one = {from_, POLLIN, 0};
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
      const int ready = poll(&one, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
      if (ready > 0) return true;
      if (ready < 0 && errno == EINTR) continue;
      late_ = true;
      return false;
    }
  }

  /// One that closed its end has ended, or is about to: it is not killed before it had the time.
  void stop() {
    int status = 0;
    const auto until = Clock::now() + patience;
    while (!late_ && waitpid(id_, &status, WNOHANG) == 0 && Clock::now() < until) usleep(1000);
    late_ = late_ || kill(id_, 0) == 0;
    kill(id_, SIGKILL);
    while (waitpid(id_, &status, 0) < 0 && errno == EINTR) continue;
    status_ = status;
  }

  pid_t id_ = -1;
  int from_ = -1;
  bool late_ = false;
  std::optional<int> status_;
};

ScannedFile parsed(const std::string& record, const std::string& file) {
  ScannedFile out;
  if (record.starts_with(refused)) return {{}, record.substr(1)};
  std::istringstream lines(record);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    Offer offer{0, "", {}, file};
    words >> offer.kind >> offer.id;
    for (std::string key; words >> key;) offer.keys.push_back(key);
    if (offer.id.empty()) return {{}, file + ": disturbed the process that looked at it"};
    out.offers.push_back(std::move(offer));
  }
  return out;
}

std::vector<ScannedFile> scan_anew(std::span<const std::string> files) {
  std::vector<ScannedFile> out;
  while (out.size() < files.size()) {
    Child child(files.subspan(out.size()));
    std::optional<std::string> record;
    while (out.size() < files.size() && (record = child.next())) out.push_back(parsed(*record, files[out.size()]));
    if (out.size() < files.size()) out.push_back({{}, files[out.size()] + ": " + child.end()});
  }
  return out;
}

using Identity = std::tuple<std::string, std::uintmax_t, fs::file_time_type>;

Identity identity_of(const std::string& file) {
  std::error_code ignored;
  return {file, fs::file_size(file, ignored), fs::last_write_time(file, ignored)};
}

}  // namespace

std::vector<ScannedFile> scan_files(const std::vector<std::string>& files) {
  static std::mutex mutex;
  static std::map<Identity, ScannedFile> known;
  const std::lock_guard lock(mutex);
  std::vector<std::string> unknown;
  for (const std::string& file : files)
    if (!known.contains(identity_of(file))) unknown.push_back(file);
  std::vector<Identity> identities;
  for (const std::string& file : unknown) identities.push_back(identity_of(file));  // before, should one change meanwhile
  std::vector<ScannedFile> found = scan_anew(unknown);
  for (std::size_t i = 0; i < found.size(); ++i) known[identities[i]] = std::move(found[i]);

  std::vector<ScannedFile> out;
  for (const std::string& file : files) {
    const auto at = known.find(identity_of(file));
    out.push_back(at != known.end() ? at->second : ScannedFile{{}, file + ": changed while it was looked at"});
  }
  return out;
}

}  // namespace threepc
