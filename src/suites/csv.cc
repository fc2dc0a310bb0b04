#include "suites/csv.h"

#include <utility>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll {
namespace {

class CsvParser {
 public:
  CsvParser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  std::vector<CsvRow> parse() {
    row_.line = line_;
    while (at_ < text_.size()) step();
    if (quoted_) fail(quote_line_, "must close its quote, found the end of the file");
    if (in_field_ || !row_.fields.empty()) end_row();
    return std::move(rows_);
  }

 private:
  void step() {
    const char c = text_[at_];
    const bool line_end = c == '\n' || c == '\r';
    const size_t width = c == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n' ? 2 : 1;
    at_ += width;
    if (line_end) ++line_;
    if (quoted_) {
      step_in_quotes(line_end ? '\n' : c);
    } else if (line_end) {
      end_row();
    } else if (c == ',') {
      end_field();
      in_field_ = true;  // a comma promises one more field
    } else if (c == '"' && field_.empty() && !was_quoted_) {
      quoted_ = in_field_ = true;
      quote_line_ = line_;
    } else {
      field_ += c;
      in_field_ = true;
    }
  }

  void step_in_quotes(char c) {
    if (c != '"') {
      field_ += c;
    } else if (at_ < text_.size() && text_[at_] == '"') {
      field_ += '"';
      ++at_;
    } else {
      quoted_ = false;
      was_quoted_ = true;
    }
  }

  void end_field() {
    row_.fields.push_back(std::exchange(field_, {}));
    in_field_ = was_quoted_ = false;
  }

  void end_row() {
    if (!in_field_ && row_.fields.empty()) fail(row_.line, "must hold a row, found an empty line");
    end_field();
    rows_.push_back(std::exchange(row_, {}));
    row_.line = line_;
  }

  [[noreturn]] void fail(size_t line, const std::string& what) const {
    throw Error(ErrorKind::kFile, where_, fmt::format("line {} {}", line, what));
  }

  std::string_view text_;
  const std::string& where_;
  size_t at_ = 0;
  size_t line_ = 1;
  size_t quote_line_ = 0;
  bool quoted_ = false;
  bool was_quoted_ = false;
  bool in_field_ = false;
  std::string field_;
  CsvRow row_;
  std::vector<CsvRow> rows_;
};

}  // namespace

std::vector<CsvRow> parse_csv(std::string_view text, const std::string& where) {
  return CsvParser(text, where).parse();
}

}  // namespace longscroll
