#include "eval/runner.h"

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "base/error.h"
#include "base/hasher.h"
#include "eval/manifest.h"
#include "eval/scoring.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

std::string name_of(const EvalItem& item) {
  return item.task + "/" + item.id;
}

std::string hash_prompt(const EvalPrompt& prompt) {
  Hasher hasher = Hasher::sha256();
  if (prompt.ids.empty()) {
    for (const Turn& turn : prompt.turns) hasher.update(std::as_bytes(std::span(turn.content)));
    return hasher.hex();
  }
  for (const TokenId id : prompt.ids) {
    const auto bits = static_cast<uint32_t>(id);
    const std::byte bytes[] = {std::byte(bits & 0xFF), std::byte(bits >> 8 & 0xFF),
                               std::byte(bits >> 16 & 0xFF), std::byte(bits >> 24)};
    hasher.update(bytes);
  }
  return hasher.hex();
}

// An item as the model reads it: a prompt to answer, or choices behind a context.
struct Prepared {
  EvalPrompt prompt;
  EncodedChoices choices;
  std::optional<Truncation> truncation;
};

class Run {
 public:
  Run(const RunPlan& plan, LanguageModel& model, const RunEvents& events)
      : plan_(plan), model_(model), events_(events), order_(plan_run(plan.items, plan.shard)) {
    model_events_.cancel = events.cancel;
    model_events_.on_read = [this](size_t tokens) { report(tokens); };
  }

  RunResult run() {
    open_folder();
    RecordFile file(plan_.out / kRecordsName);  // from here on no other process writes
    file.cut(read_what_is_there());
    count_text();
    for (position_ = result_.found; position_ < order_.size(); ++position_) {
      item_tokens_ = 0;
      report(0);
      EvalRecord record = ask();
      std::string line = to_line(record);
      file.append(line);
      line.pop_back();
      tokens_done_ += record.prompt_tokens;
      bytes_done_ += bytes_of(item());
      result_.records.push_back({std::move(record), std::move(line)});
    }
    write_manifest(plan_.out, manifest("complete"));
    return std::move(result_);
  }

 private:
  const EvalItem& item_at(size_t position) const { return plan_.items[order_[position].item]; }
  const EvalItem& item() const { return item_at(position_); }

  nlohmann::ordered_json manifest(const char* state) const {
    nlohmann::ordered_json manifest = plan_.manifest;
    manifest["items"] = plan_.items.size();
    manifest["state"] = state;
    return manifest;
  }

  // The folder is new, or holds the beginning of this very run; either way its manifest is this run's
  // afterwards.
  void open_folder() const {
    const fs::path path = plan_.out / kManifestName;
    const bool is_new = !fs::exists(plan_.out) || (fs::is_directory(plan_.out) && fs::is_empty(plan_.out));
    if (!is_new && !plan_.resume) {
      throw Error(ErrorKind::kArgument, plan_.out.string(), "must be a new folder, found one that is there",
                  "go on with its run by --resume, or take another folder");
    }
    // A run that was killed before its manifest was whole has left no record.
    if (!is_new && (fs::exists(path) || fs::exists(plan_.out / kRecordsName))) {
      const std::string differs =
          difference(read_manifest(plan_.out).json, nlohmann::json::parse(manifest("running").dump()));
      if (!differs.empty()) {
        throw Error(ErrorKind::kArgument, path.string(),
                    "must be of the run that is to go on, found another " + differs);
      }
    }
    std::error_code failure;
    fs::create_directories(plan_.out, failure);
    if (failure)
      throw Error(ErrorKind::kFile, plan_.out.string(), "must be made, found: " + failure.message());
    write_manifest(plan_.out, manifest("running"));
  }

  // The bytes of the whole lines that the file holds.
  uint64_t read_what_is_there() {
    const fs::path path = plan_.out / kRecordsName;
    if (fs::file_size(path) == 0) return 0;  // just made
    RecordLines found = read_records(path);
    for (size_t i = 0; i < found.lines.size(); ++i) {
      const EvalRecord& record = found.lines[i].record;
      if (i < order_.size() && record.index == order_[i].index && record.task == item_at(i).task &&
          record.id == item_at(i).id) {
        continue;
      }
      throw Error(ErrorKind::kFile, fmt::format("{}:{}", path.string(), i + 1),
                  fmt::format("must be the record of {}, found that of {}/{}",
                              i < order_.size() ? name_of(item_at(i)) : "no item", record.task, record.id));
    }
    result_.found = found.lines.size();
    result_.dropped_broken_line = found.broken_tail;
    result_.records = std::move(found.lines);
    return found.whole_bytes;
  }

  static size_t bytes_of(const EvalItem& item) {
    size_t bytes = 0;
    for (const Turn& turn : item.turns) bytes += turn.content.size();
    for (const std::string& choice : item.choices) bytes += choice.size();
    return bytes;
  }
  void count_text() {
    for (size_t i = result_.found; i < order_.size(); ++i) bytes_to_read_ += bytes_of(item_at(i));
  }

  void report(size_t tokens_of_item) const {
    if (!events_.on_progress) return;
    double bytes = static_cast<double>(bytes_done_);
    if (item_tokens_ > 0) {
      const double read = static_cast<double>(tokens_of_item) / static_cast<double>(item_tokens_);
      bytes += std::min(read, 1.0) * static_cast<double>(bytes_of(item()));
    }
    const double share = bytes_to_read_ > 0 ? bytes / static_cast<double>(bytes_to_read_) : 0;
    events_.on_progress({position_, order_.size(), item().task, tokens_done_ + tokens_of_item, share});
  }

  Prepared prepare(const EvalItem& item) const {
    Prepared prepared;
    if (item.max_new_tokens > 0) {
      FittedPrompt fitted =
          fit_prompt(model_, item.turns, item.bare, item.max_new_tokens, plan_.truncation, name_of(item));
      prepared.prompt = std::move(fitted.prompt);
      prepared.truncation = std::move(fitted.truncation);
      return prepared;
    }
    prepared.choices = model_.encode_choices(item.turns, item.bare, item.choices);
    prepared.truncation = fit_choices(prepared.choices, plan_.truncation, name_of(item));
    prepared.prompt = {item.turns, item.bare, prepared.choices.context};
    return prepared;
  }

  // The cache as it would be had this process asked all the items before.
  void make_cache_ready(const Prepared& next) {
    if (order_[position_].begins_document) return model_.forget();
    if (position_ == result_.found) {
      model_.restore(prepare(item_at(position_ - 1)).prompt.ids, next.prompt.ids, model_events_);
    }
  }

  EvalRecord ask() {
    const EvalItem& asked = item();
    const Prepared prepared = prepare(asked);
    item_tokens_ = prepared.prompt.ids.size();
    make_cache_ready(prepared);
    EvalRecord record;
    record.task = asked.task;
    record.id = asked.id;
    record.index = order_[position_].index;
    record.prompt_sha256 = hash_prompt(prepared.prompt);
    if (prepared.truncation) {
      record.dropped_tokens = prepared.truncation->dropped;
      record.truncation = to_json(*prepared.truncation);
    }
    record.references = asked.references;
    record.classes = asked.classes;
    record.metric = asked.metric;
    record.fields = asked.fields;
    asked.max_new_tokens > 0 ? answer(prepared, record) : choose(prepared, record);
    if (!asked.join_after.empty()) record.prediction = join(asked, record.prediction);
    score_record(record, plan_.protocol);
    return record;
  }

  void take_costs(const ModelCosts& costs, EvalRecord& record) const {
    record.prompt_tokens = costs.prompt_tokens;
    record.reused_tokens = costs.reused_tokens;
    record.prefill_seconds = costs.prefill_seconds;
    record.decode_seconds = costs.decode_seconds;
  }

  void answer(const Prepared& prepared, EvalRecord& record) {
    const EvalItem& asked = item();
    const Generated made = model_.generate(prepared.prompt, asked.max_new_tokens, asked.stop, model_events_);
    record.prediction = made.text;
    record.finish = to_string(made.finish);
    record.generated_tokens = made.generated_tokens;
    take_costs(made.costs, record);
  }

  // The likeliest choice is the answer; ties go to the first.
  void choose(const Prepared& prepared, EvalRecord& record) {
    const EvalItem& asked = item();
    const Likelihoods found = model_.log_likelihoods(prepared.choices, model_events_);
    record.choice_log_likelihoods = found.nats;
    record.choice_tokens = found.tokens;
    record.finish = to_string(Finish::kStop);
    take_costs(found.costs, record);
    if (asked.metric == kPerplexityMetric || found.nats.empty()) return;
    const auto best = std::max_element(found.nats.begin(), found.nats.end());
    record.prediction = asked.choices[static_cast<size_t>(best - found.nats.begin())];
  }

  std::string join(const EvalItem& later, const std::string& prediction) const {
    const EvalRecord* earlier = result_.records.empty() ? nullptr : &result_.records.back().record;
    if (earlier == nullptr || earlier->task != later.task || earlier->id != later.join_after) {
      throw Error(
          ErrorKind::kArgument, name_of(later),
          fmt::format("must come right after the part \"{}\" that it is joined to, found another before it",
                      later.join_after));
    }
    return joined_prediction(later, earlier->prediction, prediction);
  }

  const RunPlan& plan_;
  LanguageModel& model_;
  const RunEvents& events_;
  const std::vector<PlannedItem> order_;
  ModelEvents model_events_;
  RunResult result_;
  size_t position_ = 0;
  size_t bytes_to_read_ = 0, bytes_done_ = 0, tokens_done_ = 0;
  size_t item_tokens_ = 0;  // of the present prompt; 0: not known
};

}  // namespace

RunResult run_items(const RunPlan& plan, LanguageModel& model, const RunEvents& events) {
  return Run(plan, model, events).run();
}

}  // namespace longscroll
