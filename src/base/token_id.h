// The id of a token in a model's vocabulary: what text/ makes, and engine/ computes with.
#pragma once

#include <cstdint>

namespace longscroll {

using TokenId = int32_t;

}  // namespace longscroll
