// For tests: a folder of data files that goes when the test ends, and the golden files beside the project.
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
#include "suites/suite.h"

namespace longscroll {

class DataForTest {
 public:
  DataForTest() {
    std::string pattern = testing::TempDir() + "longscroll_suites_XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~DataForTest() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  DataForTest(const DataForTest&) = delete;
  DataForTest& operator=(const DataForTest&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string write(const std::string& name, std::string_view content) const {
    const std::filesystem::path path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }

 private:
  std::filesystem::path path_;
};

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
