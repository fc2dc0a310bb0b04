// A text document as one UTF-8 string, whatever encoding its file has.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "library/file_bytes.h"

namespace longscroll {

struct Document {
  std::string text;      // valid UTF-8, byte order mark removed, line ends kept
  std::string encoding;  // of the file: "UTF-8", "UTF-16LE", "GB18030", …
  uint64_t bytes = 0;    // of the file
  size_t characters = 0;
  FileStamp stamp;
  std::vector<std::string> remarks;  // what was assumed: to be shown
};

// Throws Error(kFile) when the file is missing, empty, not text, damaged, or keeps changing, and
// Error(kUnsupported) when it is a known format that is not plain text.
Document read_document(const std::filesystem::path& path);

// The same for bytes at hand; `where` names them in messages.
Document decode_document(std::string bytes, const std::string& where);

}  // namespace longscroll
