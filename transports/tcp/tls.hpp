// TLS 1.3 with certificates on both sides.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gate.hpp"
#include "stream.hpp"

namespace threepc::tcp {

/// The files of [transport] ca, certificate and key.
struct TlsFiles {
  std::string ca, certificate, key;
};

class Tls {
 public:
  /// Throws tpc::BadParameter that names the file which cannot be used.
  explicit Tls(const TlsFiles& files);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  /// Accepts peers whose certificate the CA has signed. One that does not speak TLS gets `answer_to_plain`. Until
  /// leave_gate(), what comes waits at `gate`, which outlives the stream.
  std::unique_ptr<Stream> server_stream(asio::ip::tcp::socket socket, WireCounters& counters,
                                        std::shared_ptr<const std::vector<std::uint8_t>> answer_to_plain, Gate& gate,
                                        Turn turn) const;
  /// Accepts a server whose certificate the CA has signed for `host`, a name or an IP address.
  std::unique_ptr<Stream> client_stream(asio::ip::tcp::socket socket, WireCounters& counters,
                                        const std::string& host) const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace threepc::tcp
