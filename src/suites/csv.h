// CSV as Python's csv.reader reads it by default: commas, double quotes, a quote in a quoted field doubled,
// lines ending in \n, \r or \r\n (inside quotes they become \n).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace longscroll {

struct CsvRow {
  size_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

// Throws Error(kFile), naming `where` and the line, for an empty row or a quote that is not closed.
std::vector<CsvRow> parse_csv(std::string_view text, const std::string& where);

}  // namespace longscroll
