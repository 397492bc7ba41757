// threepc certs: certificates for a laboratory that has no certificate authority of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "failure.hpp"

namespace threepc::cli {

struct CertsOptions {
  std::string folder;              // made if it is not there
  std::vector<std::string> hosts;  // names and IP addresses under which workers reach the server, besides loopback
  std::uint32_t workers = 0;       // 0: one certificate for all workers; else one for each rank
  std::uint32_t days = 365;        // of validity
};

/// Makes a certificate authority, and with it certificates of the server and the workers, for [transport] ca,
/// certificate and key of the transport tcp. Keys can be read by their owner alone. Throws Failure(Exit::usage) for a
/// host that is none and for a file that is there already; nothing is overwritten.
Exit make_certificates(const CertsOptions& options);

}  // namespace threepc::cli
