// The same bits of Eigen's products on every processor.
#pragma once

#include <Eigen/Core>

/// Eigen cuts its sums to the size of the processor's caches. Told one size, it gives the same bits on all.
inline void fix_block_sizes() {
  [[maybe_unused]] static const bool once = [] {
    Eigen::setCpuCacheSizes(32 << 10, 256 << 10, 2 << 20);
    return true;
  }();
}
