#include "awake/sleeping_model.hpp"

#include <map>
#include <numeric>
#include <stdexcept>
#include <string>

namespace threepc::awake {
namespace {

class Simulation {
 public:
  Simulation(const Wiring& wiring, std::span<const std::unique_ptr<NodeProgram>> programs)
      : wiring_(wiring), programs_(programs), awake_in_(programs.size()), inboxes_(programs.size()) {
    ledger_.nodes.resize(programs.size());
    for (Node v = 0; v < programs.size(); ++v) set_alarm(v);
  }

  Ledger run() {
    while (!alarms_.empty()) {
      const auto next = alarms_.extract(alarms_.begin());
      ledger_.last = next.key();
      round(next.mapped());
    }
    return std::move(ledger_);
  }

 private:
  void set_alarm(Node v) {
    const std::optional<Round> next = programs_[v]->wakes();
    if (!next) return;
    if (*next <= ledger_.last)
      throw std::logic_error("node " + std::to_string(v) + " wants to be awake in round " + std::to_string(*next) +
                             ", which is over");
    alarms_[*next].push_back(v);
  }

  void round(const std::vector<Node>& awake) {
    for (const Node v : awake) awake_in_[v] = ledger_.last;
    for (const Node v : awake) post(v);
    for (const Node v : awake) {
      ++ledger_.nodes[v].awake;
      programs_[v]->receive(inboxes_[v]);
      inboxes_[v].clear();
      set_alarm(v);
    }
  }

  void post(Node v) {
    out_.clear();
    programs_[v]->send(out_);
    ledger_.nodes[v].sent += out_.size();
    for (const Letter& letter : out_) {
      const auto [to, port] = wiring_.across(v, letter.port);
      if (awake_in_[to] == ledger_.last)
        inboxes_[to].push_back({port, letter.message});
      else
        ++ledger_.nodes[v].lost;
    }
  }

  const Wiring& wiring_;
  std::span<const std::unique_ptr<NodeProgram>> programs_;
  std::map<Round, std::vector<Node>> alarms_;
  std::vector<Round> awake_in_;  // the last round in which each was awake
  std::vector<std::vector<Letter>> inboxes_;
  std::vector<Letter> out_;
  Ledger ledger_;
};

}  // namespace

std::uint64_t Ledger::sent() const {
  return std::accumulate(nodes.begin(), nodes.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Account& one) { return sum + one.sent; });
}

std::uint64_t Ledger::lost() const {
  return std::accumulate(nodes.begin(), nodes.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Account& one) { return sum + one.lost; });
}

Wiring::Wiring(const graph::Links& links, Node nodes) : start_(nodes + std::size_t{1}) {
  for (Node v = 0; v < nodes; ++v) start_[v + 1] = start_[v] + links.degree(v);
  ends_.resize(start_.back());
  // Links ascend by the node they lead to, so that each node meets those of its neighbours in the order of its ports.
  std::vector<Port> next(nodes);
  for (Node v = 0; v < nodes; ++v)
    for (Port port = 0; port < links.degree(v); ++port) {
      const Node to = links.of(v)[port].node;
      ends_[start_[to] + next[to]++] = {v, port};
    }
}

Ledger simulate(const Wiring& wiring, std::span<const std::unique_ptr<NodeProgram>> programs) {
  return Simulation(wiring, programs).run();
}

}  // namespace threepc::awake
