// Where a server is: HOST:PORT.
#pragma once

#include <string>
#include <string_view>
#include <threepc/sdk.hpp>

namespace threepc::tcp {

struct Address {
  std::string host, port;
  std::string text() const { return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port; }
};

inline bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos &&
         std::stoul(std::string(text)) <= 65535;
}

/// "HOST:PORT", with an IPv6 host in brackets.
inline Address parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const bool complete = colon != std::string_view::npos && colon > 0 && is_port(text.substr(colon + 1));
  if (!complete)
    throw tpc::Error(TPC_INVALID_ARGUMENT,
                     tpc::text("'", text, "' is no address; expected HOST:PORT, such as 127.0.0.1:5555"));
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return {std::string(host), std::string(text.substr(colon + 1))};
}

/// Where a worker connects for a server that listens on every address of this host: to this host.
inline Address reachable(Address address) {
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  return address;
}

}  // namespace threepc::tcp
