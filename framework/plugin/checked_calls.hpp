// The one way into a plugin: what Instance's templates do around every call. For the files that define its classes.
#pragma once

#include <string>
#include <utility>

#include "plugin/calls.hpp"
#include "plugin/float_control.hpp"
#include "plugin/instance.hpp"

namespace threepc {

/// Puts the floating-point environment back, whatever a call did to it and however it ends.
class RestoredFloats {
 public:
  RestoredFloats() = default;
  RestoredFloats(const RestoredFloats&) = delete;
  RestoredFloats& operator=(const RestoredFloats&) = delete;
  ~RestoredFloats() {
    if (!unchanged_ && FloatControl::now() != before_) before_.restore();
  }
  /// Whether the call left it as it was.
  bool unchanged() { return unchanged_ = FloatControl::now() == before_; }
  std::string changes() const { return FloatControl::now().changes_since(before_); }

 private:
  FloatControl before_ = FloatControl::now();
  bool unchanged_ = false;
};

/// Says for its lifetime which plugin call the thread is in.
class CallScope {
 public:
  explicit CallScope(const PluginCall& call) : record_(own_calls()) {
    if (record_.busy()) outer_ = record_.call();
    record_.begin(call);
  }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
  ~CallScope() { record_.end(outer_); }

 private:
  CallRecord& record_;
  PluginCall outer_;
};

template <class Body>
void Instance::plainly(const char* call, Body&& body) const {
  const RestoredFloats floats;
  const CallScope scope({spec_->descriptor, file_, call, membership_.worker});
  body();
}

/// The call itself: its status, or what it let cross the boundary.
template <class Body>
tpc_status Instance::status_of(const char* call, Body&& body, const tpc_context* about, tpc_error& error) const {
  PluginCall here = {spec_->descriptor, file_, call, membership_.worker};
  if (about != nullptr) here.round = about->round, here.sender = about->worker;
  const CallScope scope(here);
  try {
    return body(&error);
  } catch (const Failure&) {
    throw;  // our own, thrown by the host's side of a call that the plugin passed through
  } catch (const std::exception& thrown) {
    misbehaved(std::string(call) + " let an exception cross the boundary: " + thrown.what());
  } catch (...) {
    misbehaved(std::string(call) + " let an exception cross the boundary");
  }
}

template <class Body>
void Instance::checked(const char* call, Body&& body, const tpc_context* about) const {
  tpc_error error;
  error.struct_size = sizeof error;
  error.key[0] = error.text[0] = '\0';
  tpc_status status = TPC_OK;
  {
    RestoredFloats floats;
    status = status_of(call, std::forward<Body>(body), about, error);
    if (!floats.unchanged()) [[unlikely]]
      misbehaved(std::string(call) + " " + floats.changes() + " and left it so");
  }
  if (status != TPC_OK) failed(call, status, error);
}

template <class Table>
void Instance::create(const std::vector<const tpc_child*>& children) {
  make(table<Table>().create, children);
  destroy_ = table<Table>().destroy;
}

}  // namespace threepc
