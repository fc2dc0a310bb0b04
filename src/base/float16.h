// IEEE half (f16) and bfloat16 (bf16) to and from float, one value at a time, portable and exact.
// Narrowing rounds to nearest, ties to even; NaN stays NaN, overflow becomes infinity.
#pragma once

#include <cstdint>

namespace longscroll {

float f16_to_float(uint16_t half);
uint16_t float_to_f16(float value);
float bf16_to_float(uint16_t bits);
uint16_t float_to_bf16(float value);

}  // namespace longscroll
