#include "formats/file_faults.h"

#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace longscroll {
namespace {

constexpr size_t kLongestShownName = 100;  // code points; real tensor names stay below

bool is_control(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

}  // namespace

void throw_bad_file(const std::filesystem::path& path, const std::string& what, std::string hint) {
  throw Error(ErrorKind::kFile, path.string(), what, std::move(hint));
}

void throw_unsupported_file(const std::filesystem::path& path, const std::string& what, std::string hint) {
  throw Error(ErrorKind::kUnsupported, path.string(), what, std::move(hint));
}

std::string shown_name(std::string_view name) {
  std::string out = "'";
  size_t shown = 0;
  for (size_t pos = 0; pos < name.size(); ++shown) {
    if (shown == kLongestShownName) return out + "…'";
    const Utf8Char c = decode_utf8(name, pos);
    append_utf8(out, is_control(c.code_point) ? U'?' : c.code_point);
    pos += c.length;
  }
  return out + "'";
}

}  // namespace longscroll
