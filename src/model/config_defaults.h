// What a config means where it says nothing.
#pragma once

#include <cstdint>

namespace longscroll {

inline constexpr double kDefaultBase = 10000.0;  // of the rotation
inline constexpr uint32_t kGemmaPattern = 6;     // Gemma 3: every sixth layer is global

}  // namespace longscroll
