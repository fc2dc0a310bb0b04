#include "report/run.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/file_faults.h"
#include "formats/strict_json.h"
#include "report/run_fields.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 16;
constexpr size_t kMaxManifestBytes = size_t{64} << 20;
constexpr size_t kMaxLineBytes = size_t{64} << 20;  // a record holds no prompt: far above any prediction

std::string_view text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

Manifest parse_manifest(const std::filesystem::path& path) {
  const MappedFile file(path);
  if (file.bytes().size() > kMaxManifestBytes) {
    throw_bad_file(path, fmt::format("a manifest must be below {} bytes, found {}", kMaxManifestBytes,
                                     file.bytes().size()));
  }
  Manifest manifest;
  manifest.json = parse_strict_json(text_of(file), path, "manifest", kMaxDepth);
  const Fields fields(manifest.json, path, "manifest");
  if (const uint64_t format = fields.count("format"); format != 1) {
    throw_unsupported_file(path, fmt::format("the manifest must be of format 1, found {}", format),
                           "a newer longscroll wrote it");
  }
  manifest.suite = fields.object("suite").text("name");
  const std::string protocol = fields.text("protocol");
  try {
    manifest.protocol = protocol_from_name(protocol);
  } catch (const Error&) {
    fields.fail(fmt::format("must name a known protocol, found {}", shown_name(protocol)));
  }
  manifest.label = fields.text("label");
  manifest.tasks = fields.texts("tasks");
  if (fields.has_value("limit") && fields.count("limit") > 0) manifest.limit = fields.count("limit");
  const Fields shard = fields.object("shard");
  manifest.shard_index = shard.count("index");
  manifest.shard_count = shard.count("count");
  if (manifest.shard_index >= manifest.shard_count) {
    fields.fail(fmt::format("must have a shard index below its count, found {} of {}", manifest.shard_index,
                            manifest.shard_count));
  }
  const json& data = fields.at("data");
  if (!data.is_array()) fields.fail(fmt::format("must have a list as 'data', found {}", data.type_name()));
  for (const json& entry : data) {
    const Fields of_file(entry, path, "manifest's 'data'");
    manifest.data.push_back({of_file.text("file"), of_file.count("items")});
  }
  manifest.items = fields.count("items");
  const std::string state = fields.text("state");
  if (state != "running" && state != "complete") {
    fields.fail(fmt::format("must have the state running or complete, found {}", shown_name(state)));
  }
  manifest.running = state == "running";
  return manifest;
}

ItemScore parse_score(const Fields& fields, bool scored) {
  ItemScore score;
  if (scored) score.score = fields.number("score");
  score.prediction = fields.text("scored_prediction");
  score.references = fields.texts("scored_references");
  const Fields parts = fields.object("parts");
  for (const auto& part : parts.json().items()) {
    score.parts[part.key()] = parts.number(part.key().c_str());
  }
  return score;
}

void parse_choices(const Fields& fields, Record& record) {
  if (!fields.has_value("choice_log_likelihoods")) return;
  const json& values = fields.at("choice_log_likelihoods");
  const auto is_number = [](const json& value) {
    return value.is_number() && std::isfinite(value.get<double>());
  };
  if (!values.is_array() || !std::all_of(values.begin(), values.end(), is_number)) {
    fields.fail("must have a list of finite numbers as 'choice_log_likelihoods', found something else");
  }
  record.choice_log_likelihoods = values.get<std::vector<double>>();
  if (!fields.has_value("choice_tokens")) return;
  const json& tokens = fields.at("choice_tokens");
  const auto is_count = [](const json& value) {
    return value.is_number_unsigned() && value.get<uint64_t>() <= kMaxCount;
  };
  if (!tokens.is_array() || tokens.size() != values.size() ||
      !std::all_of(tokens.begin(), tokens.end(), is_count)) {
    fields.fail("must have a count for each choice as 'choice_tokens', found something else");
  }
  record.choice_tokens = tokens.get<std::vector<uint64_t>>();
}

Record parse_record(const json& object, const std::filesystem::path& path, const std::string& place) {
  const Fields fields(object, path, place);
  Record record;
  record.task = fields.text("task");
  record.id = fields.text("id");
  record.prompt_sha256 = fields.text("prompt_sha256");
  record.prompt_tokens = fields.count("prompt_tokens");
  record.dropped_tokens = fields.count("dropped_tokens");
  if (!fields.at("truncation").is_null()) record.truncation = fields.object("truncation").text("mode");
  record.prediction = fields.text("prediction");
  record.finish = fields.text_or_empty("finish");
  record.references = fields.texts("references");
  record.metric = fields.text("metric");
  record.scored = fields.has_value("score");
  if (record.scored == record.metric.empty())
    fields.fail("must have a score where it has a metric, found one alone");
  record.score = parse_score(fields, record.scored);
  record.fields = fields.object("fields").json();
  record.generated_tokens = fields.count("generated_tokens");
  record.reused_tokens = fields.count("reused_tokens");
  if (record.reused_tokens > record.prompt_tokens) {
    fields.fail(fmt::format("must reuse at most its {} prompt tokens, found {}", record.prompt_tokens,
                            record.reused_tokens));
  }
  parse_choices(fields, record);
  const Fields times = fields.object("times");
  record.prefill_seconds = times.number("prefill_seconds");
  record.decode_seconds = times.number("decode_seconds");
  if (record.prefill_seconds < 0 || record.decode_seconds < 0) {
    fields.fail("must have times from 0 on, found a negative one");
  }
  return record;
}

// A killed run leaves at most one broken last line, which counts for nothing.
bool is_broken_tail(std::string_view text, size_t end, const Manifest& manifest) {
  return manifest.running && end == std::string_view::npos && !text.empty();
}

void parse_records(const std::filesystem::path& path, Run& run) {
  const MappedFile file(path);
  std::string_view rest = text_of(file);
  std::map<std::pair<std::string, std::string>, size_t> seen;  // to the line
  for (size_t number = 1; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    if (is_broken_tail(rest, end, run.manifest)) {
      run.remarks.push_back(
          fmt::format("The last line of records.jsonl, line {}, is not whole and not counted.", number));
      break;
    }
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const std::string place = fmt::format("record in line {}", number);
    if (line.size() > kMaxLineBytes) {
      throw_bad_file(
          path, fmt::format("the {} must be below {} bytes, found {}", place, kMaxLineBytes, line.size()));
    }
    Record record = parse_record(parse_strict_json(line, path, place, kMaxDepth), path, place);
    const auto [first, is_new] = seen.emplace(std::pair(record.task, record.id), number);
    if (!is_new) {
      throw_bad_file(
          path, fmt::format("the {} must be the only one of task {} and id {}, found them in line {} too",
                            place, shown_name(record.task), shown_name(record.id), first->second));
    }
    run.records.push_back(std::move(record));
  }
  if (run.records.size() > run.manifest.items) {
    throw_bad_file(path, fmt::format("must have at most the {} records that manifest.json names, found {}",
                                     run.manifest.items, run.records.size()));
  }
}

void order_records(Run& run) {
  std::map<std::string, size_t> rank;
  for (const std::string& task : run.manifest.tasks) rank.emplace(task, rank.size());
  for (const Record& record : run.records) rank.emplace(record.task, rank.size());
  std::stable_sort(run.records.begin(), run.records.end(), [&](const Record& a, const Record& b) {
    if (a.task != b.task) return rank.at(a.task) < rank.at(b.task);
    return natural_less(a.id, b.id);
  });
}

void add_remarks(Run& run) {
  const Manifest& manifest = run.manifest;
  const std::string found = thousands(run.records.size());
  const std::string items = thousands(manifest.items);
  if (manifest.shard_count > 1) {
    run.remarks.push_back(
        fmt::format("Shard {} of {}: {} of {} items. `longscroll eval merge` joins the shards.",
                    manifest.shard_index + 1, manifest.shard_count, found, items));
  }
  if (manifest.running) {
    run.remarks.push_back(fmt::format("This run has not ended: {} of {} items are there.", found, items));
  } else if (manifest.shard_count == 1 && run.records.size() < manifest.items) {
    run.remarks.push_back(
        fmt::format("The manifest calls the run complete with {} items; {} are there.", items, found));
  }
  if (manifest.limit) {
    run.remarks.push_back(
        fmt::format("At most {} items of each task were asked.", thousands(*manifest.limit)));
  }
}

std::string_view digits_at(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
  return text.substr(begin, end - begin);
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() && j < b.size()) {
    std::string_view x = digits_at(a, i);
    std::string_view y = digits_at(b, j);
    if (x.empty() || y.empty()) {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      ++i;
      ++j;
      continue;
    }
    i += x.size();
    j += y.size();
    x.remove_prefix(std::min(x.find_first_not_of('0'), x.size()));
    y.remove_prefix(std::min(y.find_first_not_of('0'), y.size()));
    if (x.size() != y.size()) return x.size() < y.size();
    if (x != y) return x < y;
  }
  if ((i < a.size()) != (j < b.size())) return j < b.size();
  return a < b;  // equal but for leading zeros
}

bool Run::partial() const {
  return manifest.running || manifest.limit || manifest.shard_count > 1 || records.size() < manifest.items;
}

Run read_run(const std::filesystem::path& directory) {
  Run run;
  run.directory = directory;
  run.manifest = parse_manifest(directory / "manifest.json");
  parse_records(directory / "records.jsonl", run);
  order_records(run);
  add_remarks(run);
  return run;
}

}  // namespace longscroll::report
