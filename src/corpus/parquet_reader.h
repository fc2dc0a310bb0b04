// The rows of a Parquet file as records (https://parquet.apache.org/docs/file-format), by Arrow C++, which
// the program is built with or not: the CMake option LONGSCROLL_PARQUET.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "corpus/record_parser.h"

namespace longscroll::corpus {

struct ParquetEvents {
  // Each row, from 1. A field for each flat column that is not null, its text or its JSON as of a JSON
  // record; a row's fault is "not-utf8" or "too-long". The record lives during the call.
  std::function<void(uint64_t row, const ParsedRecord& record)> row;
  // A column that is no flat one of texts, numbers, truth values or times, by its type: "list", "struct",
  // "binary", …
  std::function<void(const std::string& type)> left_out;
};

// Throws Error(kUnsupported), naming `path`, if the program was built without Arrow.
void require_parquet(const std::filesystem::path& path);

// In memory for some rows and a page of each column, and never for more than the file's size makes likely.
// Throws as require_parquet(); Error(kFile): it is no Parquet, is damaged or cut short (rows before the fault
// have been handed out), names a column twice, or has no column `text_field` of texts. What the events throw
// passes through. Different files may be read by different threads.
void read_parquet(const std::filesystem::path& path, const std::string& text_field,
                  const ParquetEvents& events);

}  // namespace longscroll::corpus
