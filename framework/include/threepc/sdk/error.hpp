// How plugin code reports failure: it throws one of these, and guard() turns every exception into a
// status and a text at the boundary. Nothing propagates into the host.
#pragma once

#include <threepc/abi.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tpc {

/// Joins its arguments as operator<< prints them: text("k = ", k, " exceeds d = ", d).
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// A failure with one of the statuses of abi.h. The text says what was expected, what was seen and what to
/// do; the host adds the plugin and the place in the configuration.
class Error : public std::runtime_error {
 public:
  Error(tpc_status status, const std::string& what) : std::runtime_error(what), status_(status) {}
  tpc_status status() const noexcept { return status_; }

 private:
  tpc_status status_;
};

/// A parameter that is well-formed but wrong for this run (k > d). The host prints the line that set it.
class BadParameter : public Error {
 public:
  BadParameter(std::string key, const std::string& what) : Error(TPC_INVALID_ARGUMENT, what), key_(std::move(key)) {}
  const std::string& key() const noexcept { return key_; }

 private:
  std::string key_;
};

/// Malformed input bytes: a payload, a frame, a data file.
class Corrupt : public Error {
 public:
  explicit Corrupt(const std::string& what) : Error(TPC_CORRUPT, what) {}
};

namespace detail {

/// A status that the host returned to us and that must go back to it unchanged, text included.
struct HostFailure {
  tpc_status status;
};

template <std::size_t N>
void copy_text(char (&to)[N], std::string_view from) noexcept {
  const std::size_t size = std::min(from.size(), N - 1);
  std::memcpy(to, from.data(), size);
  to[size] = '\0';
}

inline tpc_status report(tpc_error* error, tpc_status status, std::string_view what,
                         std::string_view key = "") noexcept {
  if (error != nullptr) {
    copy_text(error->text, what);
    copy_text(error->key, key);
  }
  return status;
}

/// Runs `body` and maps whatever it throws to a status. Every function that the host can call is one guard.
template <class Body>
tpc_status guard(tpc_error* error, Body&& body) noexcept {
  try {
    std::forward<Body>(body)();
    return TPC_OK;
  } catch (const HostFailure& failure) {
    return failure.status;
  } catch (const BadParameter& bad) {
    return report(error, bad.status(), bad.what(), bad.key());
  } catch (const Error& failure) {
    return report(error, failure.status(), failure.what());
  } catch (const std::bad_alloc&) {
    return report(error, TPC_NO_MEMORY, "out of memory");
  } catch (const std::exception& other) {
    return report(error, TPC_INTERNAL, other.what());
  } catch (...) {
    return report(error, TPC_INTERNAL, "an exception of unknown type");
  }
}

}  // namespace detail
}  // namespace tpc
