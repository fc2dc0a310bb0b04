// For tests: the golden files beside the project, and what loading a suite complains of.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/test_folder.h"
#include "suites/suite.h"

namespace longscroll {

// The shared reference material; nullopt where it is not there.
inline std::optional<std::filesystem::path> shared_material() {
  const char* given = std::getenv("LONGSCROLL_SHARED");
  std::filesystem::path path = given != nullptr ? std::filesystem::path(given)
                                                : std::filesystem::path(LONGSCROLL_SOURCE_DIR "/../shared");
  if (!std::filesystem::is_directory(path)) return std::nullopt;
  return path;
}

inline std::string read_whole(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::vector<nlohmann::json> read_lines(const std::filesystem::path& path) {
  std::vector<nlohmann::json> lines;
  std::ifstream in(path, std::ios::binary);
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

inline std::string error_of_loading(std::string_view suite, const SuiteOptions& options) {
  try {
    load_suite(suite, options);
  } catch (const Error& error) {
    return std::string(error.what()) + " " + error.hint();
  }
  return "no error";
}

}  // namespace longscroll
