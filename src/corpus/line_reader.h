// The lines of a file, plain, .gz or .zst, in memory for one line whatever the file holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "data/byte_source.h"

namespace longscroll::corpus {

struct Line {
  std::string_view text;  // without its end; until the next call
  uint64_t number = 0;    // from 1
  bool too_long = false;  // passed over; `text` is empty
};

// Not thread safe. Throws Error(kFile) as data::ByteSource does; what was whole before the fault has been
// handed out by then.
class LineReader {
 public:
  // So many bytes behind a line's text may be read, whatever is in them: simdjson reads in blocks.
  static constexpr size_t kReadableBehind = 64;

  LineReader(const std::filesystem::path& path, uint64_t most_bytes);

  // The next line that is not blank; nullopt at the end. A byte order mark at the start is passed over.
  std::optional<Line> next();
  uint64_t position() const { return bytes_->position(); }  // of the file's own bytes

 private:
  std::optional<Line> next_line();
  bool read_more();

  std::unique_ptr<data::ByteSource> bytes_;
  uint64_t most_bytes_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // of buffer_: what was not handed out
  size_t end_ = 0;    // of buffer_: what was read
  uint64_t lines_ = 0;
  bool at_end_ = false;
};

}  // namespace longscroll::corpus
