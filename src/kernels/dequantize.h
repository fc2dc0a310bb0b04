// GGUF's block formats, one value at a time: the plain reference, and the layout's description.
// A block begins with its scale(s) as f16; `value = scale * q + offset`. Source: ggml's block formats.
#pragma once

#include <cstddef>

#include "base/dtype.h"

namespace longscroll {

// `count` values, a multiple of the type's block.
void dequantize_reference(DType type, const void* src, float* dst, size_t count);

}  // namespace longscroll
