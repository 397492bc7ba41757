#include "runtime/signals.hpp"

#include <unistd.h>

#include <csignal>

#include "failure.hpp"

namespace threepc {
namespace {

volatile std::sig_atomic_t stop_requested = 0;

void on_signal(int) {
  if (stop_requested != 0) _exit(static_cast<int>(Exit::interrupted));
  stop_requested = 1;
}

void set_all(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

}  // namespace

StopSignals::StopSignals() {
  stop_requested = 0;
  set_all(on_signal);
}

StopSignals::~StopSignals() { set_all(SIG_DFL); }

bool StopSignals::requested() { return stop_requested != 0; }

}  // namespace threepc
