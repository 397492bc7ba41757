// What the host computes with vectors of a run. Sums add in a fixed order, so that they are the same bits everywhere.
#pragma once

#include <threepc/abi.h>

#include <cstdint>
#include <span>
#include <vector>

#include "vector/bytes.hpp"
#include "vector/exact_vector.hpp"
#include "vector/raw_vector.hpp"

namespace threepc {

/// ||v||^2, in eight lanes as tpc::norm_sq.
double norm_sq(const RawVector& v);
/// ||a - b||^2 of two vectors of `dim` values; b may be null: ||a||^2. Lanes as norm_sq.
double distance_sq(tpc_dtype dtype, std::uint32_t dim, const void* a, const void* b);
/// ||v - w||^2, added in order.
double distance_sq(const RawVector& v, std::span<const double> w);
/// max_j |v_j|; infinity if an entry is NaN or infinite.
double largest_magnitude(const RawVector& v);
/// Whether all of `count` values of `dtype` at `bytes`, of any alignment, are finite.
bool all_finite(tpc_dtype dtype, const std::uint8_t* bytes, std::size_t count);

/// out <- a - b, of out.dim() values of its dtype; b may be null: out <- a.
void subtract(const void* a, const void* b, RawVector& out);
/// Appends the `dim` values of a - b; b may be null.
void append_difference(tpc_dtype dtype, std::uint32_t dim, const void* a, const void* b, Bytes& out);
/// now <- (1 - share) before + share now, computed in their dtype.
void average(double share, const RawVector& before, RawVector& now);

/// target += the values of `dtype` that `payload` is; it must be of that size.
void add_values(tpc_dtype dtype, std::span<const std::uint8_t> payload, const tpc_sum& target);
/// sum += the values of `dtype` at `bytes`, of any alignment.
void add_values(tpc_dtype dtype, const std::uint8_t* bytes, std::span<double> sum);
/// sum += scale * v.
void add_scaled(double scale, const RawVector& v, std::span<double> sum);
/// out <- scale * v, rounded to its dtype.
void round_scaled(double scale, std::span<const double> v, RawVector& out);
/// out <- sum / divisor, rounded to its dtype. `sum` is of f64. False if a coordinate is NaN or infinite.
bool divide(const ExactVector& sum, double divisor, RawVector& out);
/// from <- from - share * part, exactly but for 2^-48 of the product; worker and server get the same. The two may
/// differ in their dtype.
void subtract(double share, const ExactVector& part, ExactVector& from);

}  // namespace threepc
