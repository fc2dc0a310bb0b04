// How the readers of this layer report a file's fault: one line, safe to print.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace longscroll {

[[noreturn]] void throw_bad_file(const std::filesystem::path& path, const std::string& what,
                                 std::string hint = {});
[[noreturn]] void throw_unsupported_file(const std::filesystem::path& path, const std::string& what,
                                         std::string hint = {});

// A name out of a hostile file, quoted for a message: valid UTF-8, no control characters, not long.
std::string shown_name(std::string_view name);

}  // namespace longscroll
