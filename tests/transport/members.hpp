// Members of a run as the host makes them: transports from the built plugins, called through the boundary.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "plugin/catalog.hpp"
#include "plugin/host_services.hpp"
#include "plugin/instances.hpp"
#include "plugin/spec.hpp"

namespace transport_test {

using Bytes = std::vector<std::uint8_t>;
using Values = std::map<std::string, threepc::Value>;
using threepc::Transport;

inline constexpr std::uint32_t the_server = 0;
constexpr std::uint32_t member(std::uint32_t worker) { return worker + 1; }

/// A deadline so many seconds from now.
inline std::int64_t in(double seconds) {
  return threepc::host_services().now() + static_cast<std::int64_t>(seconds * 1e9);
}
/// For what must succeed: far beyond what a slow machine under a sanitizer needs.
inline std::int64_t soon() { return in(30); }

inline double now_seconds() { return static_cast<double>(threepc::host_services().now()) * 1e-9; }

// ---- plugins

inline const threepc::Catalog& catalog() {
  static const threepc::Catalog all({THREEPC_TEST_PLUGINS});
  return all;
}

/// Transport `id` with the `given` values and the defaults of the rest, but open to anybody on this host.
inline threepc::PluginSpec spec_of(const std::string& id, Values given = {}) {
  given.emplace("insecure", true);
  const threepc::Entry& entry = catalog().find(TPC_TRANSPORT, id, "transport");
  threepc::PluginSpec spec;
  spec.descriptor = entry.descriptor;
  spec.file = entry.file;
  spec.place = "transport";
  for (std::uint32_t i = 0; i < entry.descriptor->param_count; ++i) {
    const tpc_param& param = *entry.descriptor->params[i];
    const auto at = given.find(param.key);
    spec.values.push_back(at != given.end() ? std::optional(at->second) : threepc::preset_of(param));
  }
  return spec;
}

// ---- calls

/// What a call of a transport came to.
struct Outcome {
  tpc_status status = TPC_OK;
  std::string text;
};

inline std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << "status " << outcome.status << " '" << outcome.text << "'";
}

template <class Call>
Outcome outcome_of(Call&& call) {
  try {
    call();
  } catch (const threepc::TransportFailure& failure) {
    return {failure.status(), failure.what()};
  } catch (const std::exception& failure) {
    return {TPC_INTERNAL, failure.what()};
  }
  return {};
}

/// The status is as expected and the text, for a person, contains `part`.
inline void expect_failure(const Outcome& outcome, tpc_status status, const std::string& part) {
  EXPECT_EQ(outcome.status, status) << outcome;
  EXPECT_NE(outcome.text.find(part), std::string::npos) << outcome << " does not contain '" << part << "'";
}

// ---- messages

/// `size` bytes that differ with `salt`, so that a mixed-up or shifted message is seen.
inline Bytes pattern(std::size_t size, std::uint64_t salt) {
  Bytes out(size);
  std::uint64_t word = 0x9E3779B97F4A7C15 * (salt + 1);
  for (std::size_t i = 0; i < size; i += sizeof word) {
    word = word * 6364136223846793005 + 1442695040888963407;
    std::memcpy(out.data() + i, &word, std::min(sizeof word, size - i));
  }
  return out;
}

inline tpc_message message(const Bytes& data, std::uint32_t type = 0, std::uint64_t round = 0) {
  return {sizeof(tpc_message), type, round, data.data(), data.size()};
}

inline Bytes bytes_of(const tpc_message& message) {
  return message.size == 0 ? Bytes() : Bytes(message.data, message.data + message.size);
}

inline bool same_bytes(const tpc_message& message, const Bytes& expected) {
  return message.size == expected.size() &&
         (expected.empty() || std::memcmp(message.data, expected.data(), expected.size()) == 0);
}

// ---- members

/// One member and the spec that it refers to.
class Member {
 public:
  Member(const std::string& id, std::uint32_t workers, std::uint32_t worker, const Values& given = {})
      : spec_(std::make_unique<threepc::PluginSpec>(spec_of(id, given))),
        transport_(std::make_unique<Transport>(*spec_, threepc::Membership{TPC_F64, 0, workers, worker, 1}, 0)) {}
  Transport& operator*() const { return *transport_; }
  Transport* operator->() const { return transport_.get(); }
  /// Without a goodbye.
  void destroy() { transport_.reset(); }

 private:
  std::unique_ptr<threepc::PluginSpec> spec_;
  std::unique_ptr<Transport> transport_;
};

inline Member opened_server(const std::string& id, std::uint32_t workers, const Values& given = {}) {
  Member server(id, workers, TPC_SERVER, given);
  server->open("", soon());
  return server;
}

/// Runs each of `parts` in a thread of its own; what one throws is a failure of the test.
inline void in_parallel(const std::vector<std::function<void()>>& parts) {
  std::vector<std::jthread> threads;
  for (const auto& part : parts)
    threads.emplace_back([&part] {
      const Outcome outcome = outcome_of(part);
      EXPECT_EQ(outcome.status, TPC_OK) << outcome;
    });
}

/// A server and its workers, all of this process, joined.
class Star {
 public:
  using OfServer = std::function<void(Transport&)>;
  using OfWorker = std::function<void(Transport&, std::uint32_t rank)>;

  Star(const std::string& id, std::uint32_t workers, const Values& given = {})
      : server_(opened_server(id, workers, given)) {
    for (std::uint32_t rank = 0; rank < workers; ++rank) workers_.emplace_back(id, workers, rank, given);
    run([](Transport& server) { server.join(soon()); },
        [this](Transport& worker, std::uint32_t) {
          worker.open(server_->address(), soon());
          worker.join(soon());
        });
  }

  Transport& server() { return *server_; }
  Transport& worker(std::uint32_t rank) { return *workers_.at(rank); }
  std::uint32_t workers() const { return static_cast<std::uint32_t>(workers_.size()); }

  /// Each member in a thread of its own, side by side.
  void run(const OfServer& of_server, const OfWorker& of_worker) {
    std::vector<std::function<void()>> parts = {[&] { of_server(server()); }};
    for (std::uint32_t rank = 0; rank < workers(); ++rank)
      parts.push_back([&, rank] { of_worker(worker(rank), rank); });
    in_parallel(parts);
  }

  /// As run, then closes in the same threads: a transport may still hold what was sent last, and delivers it
  /// during the member's later calls, close at the latest.
  void run_and_close(const OfServer& of_server, const OfWorker& of_worker) {
    run([&](Transport& server) { of_server(server), server.close(soon()); },
        [&](Transport& worker, std::uint32_t rank) { of_worker(worker, rank), worker.close(soon()); });
  }

  void close() {
    run_and_close([](Transport&) {}, [](Transport&, std::uint32_t) {});
  }

  void destroy_server() { server_.destroy(); }
  void destroy_worker(std::uint32_t rank) { workers_.at(rank).destroy(); }

 private:
  Member server_;
  std::vector<Member> workers_;
};

}  // namespace transport_test
