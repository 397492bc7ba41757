// transport_peer ID WORKERS RANK ADDRESS STEP...: a member of a run that follows a script, for tests that kill or stop
// it. RANK is a worker's, or "server", whose ADDRESS is "-". Before each step it says so on stderr, "at STEP"; at the
// end "done", or "failed STATUS: TEXT" with exit code 1.
//
//   open, join, close     the calls
//   send=N                a message of N bytes to the server, or to worker 0
//   flood=N               such messages until one fails
//   receive               the next message, from the same
//   echo                  answers what comes until nothing does
//   hang                  in no call of the transport, until it is killed
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "members.hpp"

namespace transport_test {
namespace {

constexpr double patience = 120;  // s; whoever started this has ended it by then

class Peer {
 public:
  Peer(const std::string& id, std::uint32_t workers, const std::string& rank, std::string address)
      : is_server_(rank == "server"),
        member_(id, workers, is_server_ ? TPC_SERVER : static_cast<std::uint32_t>(std::stoul(rank))),
        address_(std::move(address)) {}

  void run(const std::string& step) {
    std::fprintf(stderr, "at %s\n", step.c_str());
    if (step == "open")
      open();
    else if (step == "join")
      member_->join(in(patience));
    else if (step == "close")
      member_->close(in(patience));
    else if (step == "receive")
      member_->receive(other(), in(patience));
    else if (step == "echo")
      echo();
    else if (step == "hang")
      sleep(static_cast<unsigned>(patience));
    else if (step.starts_with("send="))
      send(std::stoul(step.substr(5)));
    else if (step.starts_with("flood="))
      for (;;) send(std::stoul(step.substr(6)));
    else
      throw std::invalid_argument("unknown step " + step);
  }

 private:
  std::uint32_t other() const { return is_server_ ? member(0) : the_server; }

  void open() {
    member_->open(is_server_ ? "" : address_, in(patience));
    if (is_server_) std::fprintf(stderr, "address %s\n", member_->address().c_str());
  }

  void send(std::size_t size) { member_->send(other(), message(pattern(size, 1), 1, 2), in(patience)); }

  void echo() {
    for (;;) {
      const tpc_message got = member_->receive(other(), in(patience));
      member_->send(other(), got, in(patience));
    }
  }

  bool is_server_;
  Member member_;
  std::string address_;
};

}  // namespace
}  // namespace transport_test

int main(int argc, char** argv) {
  using namespace transport_test;
  if (argc < 5) return 2;
  const Outcome outcome = outcome_of([&] {
    Peer peer(argv[1], static_cast<std::uint32_t>(std::stoul(argv[2])), argv[3], argv[4]);
    for (int i = 5; i < argc; ++i) peer.run(argv[i]);
  });
  if (outcome.status == TPC_OK) return std::fprintf(stderr, "done\n"), 0;
  return std::fprintf(stderr, "failed %d: %s\n", outcome.status, outcome.text.c_str()), 1;
}
