// threepc_transportbench: round trips a second and gigabytes a second of every transport that the host starts by
// itself, between two processes (inproc: two threads). Beside them what nothing can beat: two processes that wake each
// other through a pipe and through a futex, and a memcpy. All of it in turn, several times over, because a busy machine
// changes from one second to the next; compare ratios within a run.
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "plugin/catalog.hpp"
#include "plugin/host_services.hpp"
#include "plugin/instances.hpp"
#include "plugin/spec.hpp"

namespace {

using namespace threepc;
using Bytes = std::vector<std::uint8_t>;
constexpr std::uint32_t the_server = 0, the_worker = 1;

struct Options {
  int turns = 5;
  std::size_t small = 64, large = 8 << 20;  // bytes
  std::uint64_t trips = 20000, megabytes = 1024;
};

std::int64_t deadline() { return host_services().now() + 300'000'000'000; }

double seconds_of(const std::function<void()>& body) {
  const std::int64_t begin = host_services().now();
  body();
  return static_cast<double>(host_services().now() - begin) * 1e-9;
}

// ---- two processes

/// Runs `body` in a process of its own, which ends with this one.
class Child {
 public:
  explicit Child(const std::function<void()>& body) : id_(fork()) {
    if (id_ < 0) throw std::runtime_error("cannot start a process");
    if (id_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
    _exit(0);
  }
  ~Child() { waitpid(id_, nullptr, 0); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

 private:
  pid_t id_;
};

class Pipe {
 public:
  Pipe() {
    if (pipe(ends_) != 0) throw std::runtime_error("cannot make a pipe");
  }
  ~Pipe() { close(ends_[0]), close(ends_[1]); }
  void put(const void* data, std::size_t size) const {
    if (write(ends_[1], data, size) != static_cast<ssize_t>(size)) throw std::runtime_error("cannot write to a pipe");
  }
  void get(void* data, std::size_t size) const {
    if (read(ends_[0], data, size) != static_cast<ssize_t>(size)) throw std::runtime_error("cannot read from a pipe");
  }

 private:
  int ends_[2];
};

// ---- the limits

double pipe_trips(const Options& options) {
  const Pipe there, back;
  const auto turn = [&](const Pipe& out, const Pipe& in, bool first) {
    char byte = 0;
    for (std::uint64_t i = 0; i < options.trips; ++i) {
      if (first) out.put(&byte, 1);
      in.get(&byte, 1);
      if (!first) out.put(&byte, 1);
    }
  };
  const Child other([&] { turn(back, there, false); });
  return static_cast<double>(options.trips) / seconds_of([&] { turn(there, back, true); });
}

using Word = std::atomic<std::uint32_t>;

void await(Word& word, std::uint32_t value) {
  for (std::uint32_t seen = 0; (seen = word.load()) != value;)
    syscall(SYS_futex, &word, FUTEX_WAIT, seen, nullptr, nullptr, 0);
}
void set(Word& word, std::uint32_t value) {
  word.store(value);
  syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

double futex_trips(const Options& options) {
  constexpr std::size_t size = 4096;
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("cannot share memory");
  Word* const words = static_cast<Word*>(memory);  // zeros
  Word &there = words[0], &back = words[64];
  const auto count = static_cast<std::uint32_t>(options.trips);
  double seconds = 0;
  {
    const Child other([&] {
      for (std::uint32_t i = 1; i <= count; ++i) await(there, i), set(back, i);
    });
    seconds = seconds_of([&] {
      for (std::uint32_t i = 1; i <= count; ++i) set(there, i), await(back, i);
    });
  }
  munmap(memory, size);
  return static_cast<double>(options.trips) / seconds;
}

double copy_rate(const Options& options) {
  const Bytes from(options.large, 1);
  Bytes to(options.large, 2);
  const std::size_t times = std::max<std::size_t>(1, (options.megabytes << 20) / options.large);
  const double seconds = seconds_of([&] {
    for (std::size_t i = 0; i < times; ++i) {
      std::memcpy(to.data(), from.data(), to.size());
      asm volatile("" : : "r"(to.data()) : "memory");
    }
  });
  return static_cast<double>(times * options.large) / seconds;
}

// ---- the transports

tpc_message message_of(const Bytes& data) { return {sizeof(tpc_message), 1, 0, data.data(), data.size()}; }

/// What the worker does: answers every message in kind, until an empty one comes.
void echo(Transport& worker) {
  for (;;) {
    const tpc_message got = worker.receive(the_server, deadline());
    if (got.size == 0) return;
    worker.send(the_server, got, deadline());
  }
}

struct Rates {
  double trips, bytes;  // a second; bytes in one direction, while as many go the other way
};

Rates measure(Transport& server, const Options& options) {
  const auto trips = [&](std::size_t size, std::uint64_t count) {
    const Bytes data(size, 3);
    const auto once = [&] {
      server.send(the_worker, message_of(data), deadline()), server.receive(the_worker, deadline());
    };
    once();
    return static_cast<double>(count) / seconds_of([&] {
             for (std::uint64_t i = 0; i < count; ++i) once();
           });
  };
  const std::uint64_t large = std::max<std::uint64_t>(1, (options.megabytes << 20) / options.large / 2);
  const Rates rates{trips(options.small, options.trips),
                    2 * static_cast<double>(options.large) * trips(options.large, large)};
  server.send(the_worker, message_of({}), deadline());
  return rates;
}

PluginSpec spec_of(const Entry& entry) {
  PluginSpec spec;
  spec.descriptor = entry.descriptor;
  spec.file = entry.file;
  spec.place = "transport";
  for (std::uint32_t i = 0; i < entry.descriptor->param_count; ++i)
    spec.values.push_back(preset_of(*entry.descriptor->params[i]));
  return spec;
}

Rates measure(const Entry& entry, const Options& options) {
  const PluginSpec spec = spec_of(entry);
  const Pipe addresses;
  const auto work = [&] {
    char address[256] = "";
    addresses.get(address, sizeof address);
    Transport worker(spec, {TPC_F64, 0, 1, 0, 1}, 0);
    worker.open(address, deadline());
    worker.join(deadline());
    echo(worker);
    worker.close(deadline());
  };
  const auto serve = [&] {
    Transport server(spec, {TPC_F64, 0, 1, TPC_SERVER, 1}, 0);
    server.open("", deadline());
    char address[256] = "";
    server.address().copy(address, sizeof address - 1);
    addresses.put(address, sizeof address);
    server.join(deadline());
    const Rates rates = measure(server, options);
    server.close(deadline());
    return rates;
  };
  if ((entry.descriptor->capabilities & TPC_IN_PROCESS) != 0) {
    const std::jthread worker(work);
    return serve();
  }
  const Child worker(work);
  return serve();
}

// ---- the table

struct Row {
  std::vector<double> trips, bytes;
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// The median of this row over that of the limit, turn by turn.
double ratio(const std::vector<double>& values, const std::vector<double>& limit) {
  std::vector<double> out;
  for (std::size_t i = 0; i < values.size(); ++i) out.push_back(values[i] / limit[i]);
  return median(out);
}

void print(const std::map<std::string, Row>& rows, const Options& options) {
  std::printf("%-10s %16s %10s %14s %10s\n", "", "round trips/s", "of futex", "GB/s", "of memcpy");
  const Row &trips = rows.at("futex"), &copies = rows.at("memcpy");
  for (const auto& [name, row] : rows) {
    std::printf("%-10s", name.c_str());
    if (row.trips.empty())
      std::printf(" %16s %10s", "", "");
    else
      std::printf(" %16.0f %10.2f", median(row.trips), ratio(row.trips, trips.trips));
    if (!row.bytes.empty()) std::printf(" %14.2f %10.2f", median(row.bytes) * 1e-9, ratio(row.bytes, copies.bytes));
    std::printf("\n");
  }
  std::printf("medians of %d turns; messages of %zu and %zu bytes\n", options.turns, options.small, options.large);
}

void compare(const Options& options) {
  const std::filesystem::path bin = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const Catalog catalog({(bin.parent_path() / THREEPC_BENCH_PLUGINS).string()});
  std::map<std::string, Row> rows;
  for (int turn = 0; turn < options.turns; ++turn) {
    rows["futex"].trips.push_back(futex_trips(options));
    rows["pipe"].trips.push_back(pipe_trips(options));
    rows["memcpy"].bytes.push_back(copy_rate(options));
    for (const char* id : {"inproc", "shm", "tcp"}) {
      const Rates rates = measure(catalog.find(TPC_TRANSPORT, id, "transport"), options);
      rows[id].trips.push_back(rates.trips);
      rows[id].bytes.push_back(rates.bytes);
    }
  }
  print(rows, options);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Round trips and throughput of the transports, against what the machine allows");
  Options options;
  app.add_option("--turns", options.turns, "how often everything is measured")->check(CLI::Range(1, 1000));
  app.add_option("--trips", options.trips, "round trips of small messages in a turn")->check(CLI::Range(1, 1 << 30));
  app.add_option("--megabytes", options.megabytes, "copied in large messages in a turn")->check(CLI::Range(1, 1 << 20));
  app.add_option("--large", options.large, "bytes of a large message")->check(CLI::Range(1, INT_MAX));
  CLI11_PARSE(app, argc, argv);
  setenv("THREEPC_TOKEN", "of this measurement alone", 0);  // tcp listens for nobody in particular otherwise
  try {
    compare(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "threepc_transportbench: %s\n", error.what());
    return 1;
  }
}
