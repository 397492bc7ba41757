#include "config/everybody.hpp"

#include "plugin/problem.hpp"

namespace threepc {

void refuse(Section section, const char* key, const std::string& why) {
  const Node* const node = section.take(key);
  if (node != nullptr) section.wrong(*node, key, why);
}

void require_everybody(Section& root, RunConfig& config, const std::string& where, const std::string& lazy) {
  Section workers = root.child("workers"), faults = root.child("faults");
  if (config.participation < 1) refuse(workers, "participation", where + " every worker takes part in every round");
  if (config.start < config.workers) refuse(workers, "start", where + " all workers are there from the start");
  refuse(faults, "round_deadline", where + " everybody is waited for: what one worker misses, its neighbours miss");
  if (config.faults.on_worker_loss != Faults::OnLoss::lazy) return;
  const Node* const losses = faults.take("on_worker_loss");
  if (losses != nullptr)
    faults.wrong(*losses, "on_worker_loss", "\"lazy\" " + lazy + "; use \"wait\" or \"stop\" " + where);
  config.faults.on_worker_loss = Faults::OnLoss::wait;
}

void read_exchange(Section& root, RunConfig& config) {
  if (find_exchange(config.problem) == nullptr) return;
  const std::string name = std::string("the problem '") + config.problem.descriptor->id + "'";
  require_everybody(root, config, "with " + name, "would have neighbours without what a lost worker holds");
}

}  // namespace threepc
