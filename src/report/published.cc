#include "report/published.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/record_fields.h"
#include "formats/strict_json.h"
#include "report/embedded.h"

namespace longscroll::report {
namespace {

constexpr int kFileDepth = 8;
constexpr double kHighestScore = 100;

PublishedColumn parse_column(const nlohmann::json& entry, const std::filesystem::path& path) {
  const RecordFields fields(entry, path, "column");
  PublishedColumn column;
  column.suite = fields.text("suite");
  const nlohmann::json& tables = fields.at("tables");
  const auto is_count = [](const nlohmann::json& value) { return value.is_number_unsigned(); };
  if (!tables.is_array() || !std::all_of(tables.begin(), tables.end(), is_count)) {
    fields.fail("must have a list of numbers as 'tables', found something else");
  }
  column.tables = tables.get<std::vector<uint64_t>>();
  column.model = fields.text("model");
  column.note = fields.text("note");
  const RecordFields scores = fields.object("scores");
  for (const auto& score : scores.json().items()) {
    std::optional<double>& value = column.scores[score.key()];
    if (score.value().is_null()) continue;
    value = scores.number(score.key().c_str());
    if (*value < 0 || *value > kHighestScore) {
      scores.fail(fmt::format("must have scores from 0 to 100, found {}", *value));
    }
  }
  return column;
}

std::map<std::string, std::vector<Label>> parse_labels(const RecordFields& labels) {
  std::map<std::string, std::vector<Label>> all;
  for (const auto& suite : labels.json().items()) {
    for (const nlohmann::json& label : suite.value()) {
      const bool is_pair =
          label.is_array() && label.size() == 2 && label[0].is_string() && label[1].is_string();
      if (!is_pair) labels.fail("must have pairs of name and text, found something else");
      all[suite.key()].push_back({label[0].get<std::string>(), label[1].get<std::string>()});
    }
  }
  return all;
}

}  // namespace

std::map<std::string, double> PublishedColumn::counted() const {
  std::map<std::string, double> all;
  for (const auto& [task, score] : scores) all[task] = score.value_or(0.0);
  return all;
}

std::vector<const PublishedColumn*> Published::of(std::string_view suite, uint64_t table) const {
  std::vector<const PublishedColumn*> found;
  for (const PublishedColumn& column : columns) {
    const bool is_there = std::find(column.tables.begin(), column.tables.end(), table) != column.tables.end();
    if (column.suite == suite && is_there) found.push_back(&column);
  }
  return found;
}

Published parse_published(std::string_view text, std::string_view where) {
  const std::filesystem::path path(where);
  const nlohmann::json file = parse_strict_json(text, path, "file", kFileDepth);
  const RecordFields fields(file, path, "file");
  Published result;
  result.source = fields.text("source");
  result.labels = parse_labels(fields.object("labels"));
  const nlohmann::json& columns = fields.at("columns");
  if (!columns.is_array())
    fields.fail(fmt::format("must have a list as 'columns', found {}", columns.type_name()));
  for (const nlohmann::json& column : columns) result.columns.push_back(parse_column(column, path));
  return result;
}

const Published& published() {
  static const Published columns = parse_published(published_json(), "reports/published.json");
  return columns;
}

}  // namespace longscroll::report
