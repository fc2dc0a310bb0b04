// What a run was, how long its prompts were, and how fast it went.
#include <algorithm>

#include <fmt/format.h>

#include "report/charts.h"
#include "report/needle.h"
#include "report/sections.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

constexpr size_t kMostBins = 12;
constexpr size_t kMostManifestRows = 400;
constexpr size_t kMostValue = 400;  // characters

std::string text_at(const nlohmann::json& object, const char* outer, const char* inner) {
  const auto part = object.find(outer);
  if (part == object.end() || !part->is_object()) return "";
  const auto value = part->find(inner);
  if (value == part->end() || value->is_null()) return "";
  return value->is_string() ? value->get<std::string>()
                            : value->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

uint64_t median(std::vector<uint64_t> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string share(uint64_t part, uint64_t whole) {
  return whole == 0
             ? "–"
             : fmt::format("{}%", fixed(100 * static_cast<double>(part) / static_cast<double>(whole), 1));
}

std::string rate(uint64_t tokens, double seconds) {
  return seconds <= 0 || tokens == 0 ? "–" : fixed(static_cast<double>(tokens) / seconds, 1);
}

struct Lengths {
  std::vector<uint64_t> whole;  // prompts that were read whole
  std::vector<uint64_t> cut;    // of the others, before they were cut
  std::vector<uint64_t> dropped;
  std::string modes;
};

Lengths lengths_of(const Run& run) {
  Lengths lengths;
  for (const EvalRecord& record : run.records) {
    if (record.dropped_tokens == 0) {
      lengths.whole.push_back(record.prompt_tokens);
      continue;
    }
    lengths.cut.push_back(record.prompt_tokens + record.dropped_tokens);
    lengths.dropped.push_back(record.dropped_tokens);
    const std::string mode = truncation_mode(record);
    if (lengths.modes.find(mode) == std::string::npos) {
      lengths.modes += (lengths.modes.empty() ? "" : ", ") + shortened(mode, 40);
    }
  }
  return lengths;
}

void flatten(const nlohmann::json& value, const std::string& name,
             std::vector<std::pair<std::string, std::string>>& rows) {
  if (rows.size() >= kMostManifestRows) return;
  if (value.is_structured() && !value.empty()) {
    for (const auto& part : value.items()) {
      const std::string inner = value.is_array() ? fmt::format("[{}]", part.key()) : part.key();
      flatten(part.value(), name.empty() || value.is_array() ? name + inner : name + "." + inner, rows);
    }
    return;
  }
  const std::string text = value.is_string()
                               ? value.get<std::string>()
                               : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  rows.emplace_back(shortened(name, kMostValue), shortened(text, kMostValue));
}

std::string main_number(const RunView& view) {
  if (is_needle_run(view.run)) {
    const std::vector<NeedleMap> maps = needle_maps(view.run);
    const bool is_one_task = maps.front().task == maps.back().task;
    const std::optional<double> overall = is_one_task ? maps.back().overall() : std::nullopt;
    return overall ? fixed(*overall, 2) : "–";
  }
  const SuiteGroup* group = view.suite ? overall_group(*view.suite) : nullptr;
  if (group == nullptr) return "–";
  const auto mean = view.scores.means.find(group->name);
  return mean == view.scores.means.end() ? "–" : fixed(mean->second, 4);
}

Cell run_name(const RunView& view) {
  return {view.label, view.suite && !view.suite->title.empty() ? view.suite->title : view.run.manifest.suite};
}

}  // namespace

Section overview_section(const Views& views) {
  Section section{"overview", "Runs", {}};
  Table table{"",
              {{"Run", "", false},
               {"Protocol", "", false},
               {"Model", "", false},
               {"KV", "", false},
               {"Items", "", true},
               {"State", "", false},
               {"Overall", "", true}},
              {}};
  for (const RunView* view : views) {
    const Manifest& manifest = view->run.manifest;
    const std::string model = text_at(manifest.json, "model", "name");
    table.rows.push_back(
        {{run_name(*view), Cell(to_string(manifest.protocol)),
          Cell(model, text_at(manifest.json, "model", "quantisation")),
          Cell(text_at(manifest.json, "model", "kv")),
          Cell(thousands(view->run.records.size()),
               view->run.records.size() < manifest.items ? "of " + thousands(manifest.items) : ""),
          Cell(manifest.running ? "running" : "complete"),
          Cell(main_number(*view), view->run.partial() ? "part" : "")},
         RowKind::kPlain});
  }
  section.blocks.emplace_back(std::move(table));
  for (const RunView* view : views) {
    for (const std::string& remark : view->run.remarks) {
      section.blocks.emplace_back(
          Paragraph{fmt::format("{} ({}): {}", view->label, view->run.manifest.suite, remark), true});
    }
  }
  return section;
}

Section lengths_section(const Views& views) {
  Section section{"lengths", "Prompt lengths and truncation", {}};
  Table table{"In tokens of the model under test",
              {{"Run", "", false},
               {"Items", "", true},
               {"Prompt, median", "before cutting", true},
               {"Prompt, longest", "before cutting", true},
               {"Cut", "", true},
               {"Cut, share", "", true},
               {"Dropped, median", "of cut prompts", true},
               {"Dropped, most", "", true},
               {"Mode", "", false}},
              {}};
  std::vector<Figure> figures;
  for (const RunView* view : views) {
    const Lengths lengths = lengths_of(view->run);
    std::vector<uint64_t> all = lengths.whole;
    all.insert(all.end(), lengths.cut.begin(), lengths.cut.end());
    if (all.empty()) continue;
    const auto highest = [](const std::vector<uint64_t>& values) {
      return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
    };
    table.rows.push_back(
        {{run_name(*view), Cell(thousands(all.size())), Cell(thousands(median(all))),
          Cell(thousands(highest(all))), Cell(thousands(lengths.cut.size())),
          Cell(share(lengths.cut.size(), all.size())),
          Cell(lengths.cut.empty() ? "–" : thousands(median(lengths.dropped))),
          Cell(lengths.cut.empty() ? "–" : thousands(highest(lengths.dropped))), Cell(lengths.modes)},
         RowKind::kPlain});
    const std::string title = fmt::format("Prompt lengths: {}, {}", view->run.manifest.suite, view->label);
    figures.push_back(
        {view->stem + "-lengths", "",
         histogram_chart(title, histogram_of({"read whole", "cut"}, {lengths.whole, lengths.cut}, kMostBins),
                         "Prompt before cutting, tokens")});
    if (lengths.dropped.empty()) continue;
    const std::string dropped_title =
        fmt::format("Dropped tokens: {}, {}", view->run.manifest.suite, view->label);
    figures.push_back({view->stem + "-dropped", "",
                       histogram_chart(dropped_title, histogram_of({"cut"}, {lengths.dropped}, kMostBins),
                                       "Tokens left out of a cut prompt")});
  }
  section.blocks.emplace_back(std::move(table));
  for (Figure& figure : figures) section.blocks.emplace_back(std::move(figure));
  return section;
}

Speed speed_of(const Run& run) {
  Speed speed;
  for (const EvalRecord& record : run.records) {
    speed.prompt_tokens += record.prompt_tokens;
    speed.reused_tokens += record.reused_tokens;
    speed.generated_tokens += record.generated_tokens;
    speed.prefill_seconds += record.prefill_seconds;
    speed.decode_seconds += record.decode_seconds;
  }
  return speed;
}

Section speed_section(const Views& views) {
  Section section{"speed", "Speed and reuse", {}};
  Table table{"Reused: prompt tokens that were in the KV cache already and were not computed again",
              {{"Run", "", false},
               {"Prompt tokens", "", true},
               {"Reused", "", true},
               {"Reused, share", "", true},
               {"Reading", "s", true},
               {"Reading", "computed tokens/s", true},
               {"Generated", "tokens", true},
               {"Generating", "s", true},
               {"Generating", "tokens/s", true}},
              {}};
  for (const RunView* view : views) {
    const Speed speed = speed_of(view->run);
    table.rows.push_back(
        {{run_name(*view), Cell(thousands(speed.prompt_tokens)), Cell(thousands(speed.reused_tokens)),
          Cell(share(speed.reused_tokens, speed.prompt_tokens)), Cell(fixed(speed.prefill_seconds, 1)),
          Cell(rate(speed.prompt_tokens - speed.reused_tokens, speed.prefill_seconds)),
          Cell(thousands(speed.generated_tokens)), Cell(fixed(speed.decode_seconds, 1)),
          Cell(rate(speed.generated_tokens, speed.decode_seconds))},
         RowKind::kPlain});
  }
  section.blocks.emplace_back(std::move(table));
  return section;
}

Section manifest_section(const Views& views) {
  Section section{"manifest", "What was run", {}};
  Table table{"The manifests in full", {{"Key", "", false}}, {}};
  std::vector<std::string> keys;
  std::vector<std::map<std::string, std::string>> values;
  bool is_cut = false;
  for (const RunView* view : views) {
    table.columns.push_back({view->label, view->run.manifest.suite, false});
    std::vector<std::pair<std::string, std::string>> rows;
    flatten(view->run.manifest.json, "", rows);
    is_cut = is_cut || rows.size() >= kMostManifestRows;
    values.emplace_back();
    for (const auto& [key, value] : rows) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
      values.back()[key] = value;
    }
  }
  std::sort(keys.begin(), keys.end(), natural_less);
  for (const std::string& key : keys) {
    Row row{{Cell(key)}, RowKind::kPlain};
    for (const auto& of_run : values) {
      const auto value = of_run.find(key);
      row.cells.emplace_back(value == of_run.end() ? "–" : value->second);
    }
    table.rows.push_back(std::move(row));
  }
  section.blocks.emplace_back(std::move(table));
  if (is_cut) {
    section.blocks.emplace_back(
        Paragraph{fmt::format("A manifest has more than {} entries; the others are in manifest.json.",
                              kMostManifestRows),
                  true});
  }
  return section;
}

}  // namespace longscroll::report
