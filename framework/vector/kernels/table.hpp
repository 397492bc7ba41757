// The kernels as plugins get them.
#pragma once

#include <threepc/draft/kernels.h>

namespace threepc::kernels {

const tpc_kernels& table();

}  // namespace threepc::kernels
