#include "members/injector.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

namespace threepc {
namespace {

void sleep_for(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

/// SIGSTOP for a while. Nobody but another process can continue this one, so one is left behind that does and ends.
void stop_for(double seconds) {
  const pid_t self = getpid();
  if (fork() == 0) {
    close_range(0, ~0U, 0);  // or a connection would outlive this process
    timespec left = {static_cast<time_t>(seconds),
                     static_cast<long>((seconds - static_cast<double>(static_cast<time_t>(seconds))) * 1e9)};
    while (nanosleep(&left, &left) != 0) continue;
    if (getppid() == self) kill(self, SIGCONT);  // or it has ended, and another may have its id
    _exit(0);
  }
  raise(SIGSTOP);
}

}  // namespace

Injector::Injector(const std::vector<Injection>& all, std::int64_t worker) {
  std::copy_if(all.begin(), all.end(), std::back_inserter(pending_),
               [&](const Injection& i) { return i.worker == worker; });
}

void Injector::resume_at(std::uint64_t round) {
  std::erase_if(pending_, [&](const Injection& injection) {
    return injection.kind != Injection::Kind::attack && injection.round <= round;
  });
}

void Injector::act(std::uint64_t round, Injection::When when) {
  double seconds = 0;
  if (take(round, Injection::Kind::delay, nullptr, seconds)) sleep_for(seconds);
  if (take(round, Injection::Kind::stop, &when, seconds)) stop_for(seconds);
  if (take(round, Injection::Kind::kill, &when, seconds)) raise(SIGKILL);
}

bool Injector::wants(Injection::Kind kind, std::uint64_t round) {
  double unused = 0;
  return take(round, kind, nullptr, unused);
}

const Injection* Injector::attack(std::uint64_t round) const {
  const auto at = std::find_if(pending_.begin(), pending_.end(), [&](const Injection& injection) {
    return injection.kind == Injection::Kind::attack && injection.round <= round;
  });
  return at == pending_.end() ? nullptr : &*at;
}

bool Injector::take(std::uint64_t round, Injection::Kind kind, const Injection::When* when, double& seconds) {
  const auto at = std::find_if(pending_.begin(), pending_.end(), [&](const Injection& injection) {
    return injection.round == round && injection.kind == kind && (when == nullptr || injection.when == *when);
  });
  if (at == pending_.end()) return false;
  seconds = at->seconds;
  pending_.erase(at);
  return true;
}

}  // namespace threepc
