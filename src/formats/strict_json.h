// JSON out of a model directory: a key given twice, or nesting deeper than the format has, is a fault
// (nlohmann alone would keep the last value silently).
#pragma once

#include <filesystem>
#include <string_view>

#include <nlohmann/json.hpp>

namespace longscroll {

// Throws Error(kFile) naming `path` and `part` ("header", "index").
nlohmann::json parse_strict_json(std::string_view text, const std::filesystem::path& path,
                                 std::string_view part, int max_depth);

}  // namespace longscroll
