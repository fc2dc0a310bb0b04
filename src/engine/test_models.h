// Small models for the engine's tests: random checkpoints with golden logits and ids
// (tools/make_tiny_checkpoints.py).
#pragma once

#include <filesystem>

namespace longscroll {

inline const std::filesystem::path kTiny = std::filesystem::path(LONGSCROLL_GOLDEN_DIR) / "tiny";

}  // namespace longscroll
