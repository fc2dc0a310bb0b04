#include "corpus/line_reader.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace longscroll::corpus {
namespace {

constexpr size_t kReadBytes = size_t{1} << 18;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

LineReader::LineReader(const std::filesystem::path& path, uint64_t most_bytes)
    : bytes_(data::open_bytes(path)), most_bytes_(most_bytes), buffer_(kReadBytes + kReadableBehind) {}

bool LineReader::read_more() {
  if (at_end_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const size_t needed = end_ + kReadBytes + kReadableBehind;
  if (buffer_.size() < needed) buffer_.resize(std::max(2 * buffer_.size(), needed));
  at_end_ = true;  // also when the read throws
  const size_t got = bytes_->read(std::span(buffer_).subspan(end_, kReadBytes));
  end_ += got;
  at_end_ = got == 0;
  return !at_end_;
}

std::optional<Line> LineReader::next_line() {
  bool too_long = false;
  size_t searched = 0;  // of what begins at begin_
  for (;;) {
    const char* from = buffer_.data() + begin_;
    const auto* found =
        static_cast<const char*>(std::memchr(from + searched, '\n', end_ - begin_ - searched));
    if (found != nullptr || at_end_) {
      const size_t length = found != nullptr ? static_cast<size_t>(found - from) : end_ - begin_;
      if (found == nullptr && length == 0 && !too_long) return std::nullopt;
      begin_ += found != nullptr ? length + 1 : length;
      too_long = too_long || length > most_bytes_;
      return Line{too_long ? std::string_view() : std::string_view(from, length), ++lines_, too_long};
    }
    searched = end_ - begin_;
    if (searched > most_bytes_) {
      too_long = true;
      begin_ = end_;
      searched = 0;
    }
    read_more();
  }
}

std::optional<Line> LineReader::next() {
  while (std::optional<Line> line = next_line()) {
    if (line->number == 1 && line->text.starts_with(kByteOrderMark)) {
      line->text.remove_prefix(kByteOrderMark.size());
    }
    if (line->too_long || !is_blank(line->text)) return line;
  }
  return std::nullopt;
}

}  // namespace longscroll::corpus
