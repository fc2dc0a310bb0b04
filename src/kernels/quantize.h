// Float rows to stored formats, for conversion and tests. Plain code: not on any hot path.
#pragma once

#include <cstddef>

#include "base/dtype.h"

namespace longscroll {

// Whether quantize() can write `type`: f32, f16, bf16, q8_0, q4_0.
bool can_quantize(DType type);

// count is a multiple of the type's block; dst holds dtype_bytes(type, count) bytes. The rounding of
// q8_0 and q4_0 is ggml's reference rounding, so that files equal those of its tools.
void quantize(DType type, const float* src, void* dst, size_t count);

}  // namespace longscroll
