// Scores that others have published for the same tasks: data (reports/published.json) that is linked in.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace longscroll::report {

struct PublishedColumn {
  std::string suite;
  std::vector<uint64_t>
      tables;  // the report has LongBench twice: 1 other models, 2 other ways to a long window
  std::string model;
  std::string note;  // whose run it was
  // By task, 0 to 100. Where nothing scored the report prints a dash, and its averages count that as 0.
  std::map<std::string, std::optional<double>> scores;

  std::map<std::string, double> counted() const;  // dashes as 0
};

struct Label {
  std::string name;  // of a task or group, as in the suite's file
  std::string text;  // as the report prints it
};

struct Published {
  std::string source;
  std::map<std::string, std::vector<Label>> labels;  // by suite, in the order of the report's rows
  std::vector<PublishedColumn> columns;

  // The columns of one of a suite's tables.
  std::vector<const PublishedColumn*> of(std::string_view suite, uint64_t table) const;
};

// Read once; thread safe.
const Published& published();

// Throws Error(kFile) naming `where`.
Published parse_published(std::string_view text, std::string_view where);

}  // namespace longscroll::report
