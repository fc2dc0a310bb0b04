// The checkpoints of tools/make_tiny_checkpoints.py, for this layer's tests.
#pragma once

#include <filesystem>
#include <string>

namespace longscroll::test {

inline std::filesystem::path tiny(const std::string& name) {
  return std::filesystem::path(LONGSCROLL_GOLDEN_DIR) / "tiny" / name;
}

}  // namespace longscroll::test
