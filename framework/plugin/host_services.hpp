// What the host offers plugins.
#pragma once

#include <threepc/abi.h>

namespace threepc {

/// The host's services, one table for the process. `log_threshold` follows set_log_sink.
const tpc_host& host_services();

/// Where tpc_host.log goes; the default drops everything. Set before the first plugin is created.
void set_log_sink(void (*sink)(tpc_log_level, const char* source, const char* text), tpc_log_level threshold);

}  // namespace threepc
