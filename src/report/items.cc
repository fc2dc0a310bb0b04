#include "report/items.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "report/text.h"

namespace longscroll::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kTextBudget = size_t{12} << 20;  // characters of all predictions and references together
constexpr size_t kLeastLimit = 160;
constexpr size_t kMostLimit = 4000;
constexpr size_t kTextsOfItem = 4;  // prediction, references, and both as compared
constexpr size_t kMostReferences = 8;
constexpr size_t kFieldLimit = 200;  // of a field's own text

// The references share one text's room.
Json cut_texts(const std::vector<std::string>& texts, size_t limit) {
  Json cut = Json::array();
  const size_t count = std::min(texts.size(), kMostReferences);
  for (size_t i = 0; i < count; ++i) cut.push_back(shortened(texts[i], std::max(kLeastLimit, limit / count)));
  return cut;
}

Json cut_fields(const nlohmann::json& fields) {
  Json cut = Json::object();
  for (const auto& field : fields.items()) {
    const bool is_small = field.value().is_number() || field.value().is_boolean() || field.value().is_null();
    const std::string key = shortened(field.key(), kFieldLimit);
    if (is_small) {
      cut[key] = field.value();
    } else if (field.value().is_string()) {
      cut[key] = shortened(field.value().get_ref<const std::string&>(), kFieldLimit);
    } else {
      cut[key] = shortened(field.value().dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                           kFieldLimit);
    }
    if (cut.size() == kMostReferences * 2) break;
  }
  return cut;
}

Json item_json(const EvalRecord& record, size_t task, size_t limit) {
  Json item = {{"t", task},
               {"i", shortened(record.id, kFieldLimit)},
               {"s", record.score ? Json(*record.score) : Json(nullptr)},
               {"p", record.prompt_tokens},
               {"d", record.dropped_tokens},
               {"k", truncation_mode(record)},
               {"g", record.generated_tokens},
               {"u", record.reused_tokens},
               {"e", record.finish},
               {"m", record.metric},
               {"h", record.prompt_sha256},
               {"tp", record.prefill_seconds},
               {"td", record.decode_seconds},
               {"x", shortened(record.prediction, limit)},
               {"r", cut_texts(record.references, limit)},
               {"rn", record.references.size()},
               {"a", Json(record.parts)},
               {"f", cut_fields(record.fields)}};
  if (record.scored_prediction != record.prediction) item["s_x"] = shortened(record.scored_prediction, limit);
  if (record.scored_references != record.references) item["s_r"] = cut_texts(record.scored_references, limit);
  if (!record.choice_log_likelihoods.empty()) item["c"] = record.choice_log_likelihoods;
  return item;
}

Json run_json(const std::string& label, const Run& run, size_t count, size_t limit) {
  Json tasks = Json::array();
  Json items = Json::array();
  const std::string* last = nullptr;
  for (size_t i = 0; i < count; ++i) {
    const EvalRecord& record = run.records[i];
    if (last == nullptr || *last != record.task) tasks.push_back(shortened(record.task, kFieldLimit));
    last = &record.task;
    items.push_back(item_json(record, tasks.size() - 1, limit));
  }
  return {{"label", shortened(label, kFieldLimit)}, {"tasks", tasks}, {"items", items}};
}

}  // namespace

size_t text_limit(size_t items) {
  return std::clamp(kTextBudget / (std::max<size_t>(1, items) * kTextsOfItem), kLeastLimit, kMostLimit);
}

std::string items_json(const std::vector<NamedRun>& runs) {
  size_t all = 0;
  for (const NamedRun& named : runs) all += named.run->records.size();
  const size_t limit = text_limit(std::min(all, kMostItems));
  Json page = {{"note", ""}, {"runs", Json::array()}};
  size_t room = kMostItems;
  for (const NamedRun& named : runs) {
    const size_t count = std::min(room, named.run->records.size());
    page["runs"].push_back(run_json(named.label, *named.run, count, limit));
    room -= count;
  }
  std::string note = fmt::format(
      "Texts are cut after {} characters here, and of several references the first {} are "
      "shown; records.jsonl has all of them whole.",
      thousands(limit), kMostReferences);
  if (all > kMostItems) {
    note += fmt::format(" Of {} items the page has the first {}.", thousands(all), thousands(kMostItems));
  }
  page["note"] = note;
  return script_json(page);
}

}  // namespace longscroll::report
