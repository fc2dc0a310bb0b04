// The way of one evaluation: model, suite, runs, table.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/eval_commands.h"
#include "apps/eval_options.h"
#include "apps/eval_table.h"
#include "base/cpu_features.h"
#include "base/error.h"
#include "console/interrupt.h"
#include "console/progress.h"
#include "console/terminal.h"
#include "eval/endpoint_model.h"
#include "eval/engine_model.h"
#include "eval/manifest.h"
#include "eval/runner.h"
#include "hub/paths.h"
#include "kernels/kernels.h"
#include "model/tokenizer_loader.h"
#include "suites/suite.h"
#include "suites/tiktoken.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

constexpr size_t kOpenCompassLength = 32768;  // the report's max_seq_len
constexpr uint32_t kMostTokens = 1 << 22;     // of a vocabulary that no model bounds

// A model ready to be asked, and what the manifest says of it.
struct OpenedModel {
  std::unique_ptr<LanguageModel> model;
  std::shared_ptr<const Model> engine;  // null: an endpoint
  size_t window = 0;                    // of a prompt and its answer; 0: the server's
  Json description;
};

size_t window_for(const EvalOptions& options, size_t model_window) {
  size_t asked = options.max_seq_len;
  if (asked == 0) asked = options.protocol == "opencompass" ? kOpenCompassLength : model_window;
  if (model_window == 0 || asked <= model_window) return asked;
  write_remarks(
      {fmt::format("prompt and answer get the model's window of {} tokens, not the {} {}", model_window,
                   asked, options.max_seq_len > 0 ? "of --max-seq-len" : "of the protocol")});
  return model_window;
}

OpenedModel open_endpoint(const EvalOptions& options) {
  EndpointOptions endpoint;
  endpoint.url = options.endpoint;
  endpoint.model = options.endpoint_model;
  if (const char* key = std::getenv("OPENAI_API_KEY")) endpoint.key = key;
  if (!options.tokenizer.empty()) endpoint.tokenizer = open_tokenizer(options.tokenizer);
  OpenedModel opened;
  opened.window = window_for(options, 0);
  endpoint.window = opened.window;
  if (!endpoint.tokenizer) {
    write_remarks(
        {"without --tokenizer prompts are sent as they are: only the server knows which are too long"});
  }
  opened.model = std::make_unique<EndpointModel>(std::move(endpoint));
  opened.description = opened.model->describe();
  opened.description["tokenizer"] = options.tokenizer.empty() ? Json(nullptr) : Json(options.tokenizer);
  return opened;
}

OpenedModel open_engine(const EvalOptions& options) {
  OpenedModel opened;
  opened.engine = open_model(options.model, true);
  const Model& model = *opened.engine;
  opened.window = window_for(options, model.config.max_position);
  EngineModelOptions engine;
  engine.session = session_options(options.model, model, opened.window);
  const ChatForm form = chat_form(model);
  engine.chat = form.format;
  engine.default_system = form.default_system;
  engine.stop_ids = stop_ids(model, form);
  if (!form.format) write_remarks({"the model has no chat form: turns are joined by line ends"});
  engine.description = describe_engine_model(
      model, options.model.model, hash_model(model.path, &interrupted()), options.model.compute, engine);
  if (!options.model.rope.empty()) engine.description["rope"]["option"] = options.model.rope;
  opened.description = engine.description;
  opened.model = std::make_unique<EngineModel>(opened.engine, std::move(engine));
  return opened;
}

LoadedSuite open_suite(const EvalOptions& options, const LanguageModel& model) {
  std::shared_ptr<const Tokenizer> lengths;
  if (!options.length_tokenizer.empty()) lengths = open_tokenizer(options.length_tokenizer);
  SuiteOptions asked;
  asked.protocol = options.protocol;
  asked.data = options.data;
  asked.tasks = options.tasks;
  asked.limit = options.limit;
  asked.seed = options.seed;
  asked.lengths = options.lengths;
  asked.depths = options.depths;
  asked.languages = options.languages;
  asked.repeats = options.repeats;
  asked.length_tokenizer = lengths ? lengths.get() : model.tokenizer();
  LoadedSuite suite = load_suite(options.suite, asked);
  write_remarks(suite.remarks);
  if (suite.items.empty()) {
    throw Error(ErrorKind::kArgument, suite.name, "must have items to ask with these options, found none");
  }
  return suite;
}

std::vector<std::string> task_names(const LoadedSuite& suite) {
  std::vector<std::string> names;
  for (const EvalItem& item : suite.items) {
    if (std::ranges::find(names, item.task) == names.end()) names.push_back(item.task);
  }
  return names;
}

std::string label_of(const EvalOptions& options) {
  if (!options.label.empty()) return options.label;
  if (!options.endpoint.empty()) return options.endpoint_model;
  const fs::path path(options.model.model);
  return path.has_stem() && fs::exists(path) ? path.stem().string() : options.model.model;
}

Json describe_data(const LoadedSuite& suite) {
  Json data = Json::array();
  for (const DataFile& file : suite.data) {
    data.push_back({{"file", file.file}, {"sha256", file.sha256}, {"items", file.items}});
  }
  return data;
}

std::string program_version() {
  const std::string text = version_text();  // "longscroll 0.3.0\ncompiler: …"
  const size_t begin = text.find(' ') + 1;
  return text.substr(begin, text.find('\n') - begin);
}

Json make_manifest(const EvalOptions& options, const OpenedModel& opened, const LoadedSuite& suite,
                   const Shard& shard) {
  const bool is_own = options.length_tokenizer.empty();
  return {{"format", kManifestFormat},
          {"program", {{"version", program_version()}, {"kernels", kernels().name}}},
          {"suite", {{"name", suite.name}, {"version", suite.version}, {"sha256", suite.sha256}}},
          {"protocol", options.protocol},
          {"tasks", task_names(suite)},
          {"limit", options.limit},
          {"seed", options.seed},
          {"lengths", options.lengths},
          {"depths", options.depths},
          {"languages", options.languages},
          {"repeats", options.repeats},
          {"max_seq_len", opened.window},
          {"truncate", options.truncate},
          {"length_tokenizer", is_own ? Json(nullptr) : Json(options.length_tokenizer)},
          {"shard", {{"index", shard.index}, {"count", shard.count}}},
          {"label", label_of(options)},
          {"model", opened.description},
          {"data", describe_data(suite)},
          {"machine",
           {{"cpu", cpu_model_name()},
            {"threads", options.model.threads > 0 ? options.model.threads : available_cores()}}}};
}

// Which part of the run is this process's, and where it goes.
struct Place {
  Shard shard;
  fs::path out;
};
Place place_of(const EvalOptions& options) {
  if (!options.shard.empty()) return {parse_shard(options.shard), options.out};
  const Ranked ranked = shard_from_environment();
  if (ranked.variable.empty()) return {{}, options.out};
  const fs::path out =
      fs::path(options.out) / fmt::format("shard-{}-of-{}", ranked.shard.index, ranked.shard.count);
  write_remarks({fmt::format("{} says shard {} of {}: into {}", ranked.variable, ranked.shard.index,
                             ranked.shard.count, out.string())});
  return {ranked.shard, out};
}

// Shows how far a run is; tokens yet to come are guessed from the bytes of text yet to come.
class RunBar {
 public:
  void show(const RunProgress& progress) {
    done_ = progress.items_done;
    items_ = progress.items;
    bar_.relabel(fmt::format("{}/{} {}", progress.items_done, progress.items, progress.task));
    const auto tokens = static_cast<double>(progress.tokens_done);
    const double total = progress.share > 0 ? tokens / progress.share : 0;
    bar_.update(progress.tokens_done, std::max(progress.tokens_done, static_cast<size_t>(total)));
  }
  void clear() { bar_.clear(); }
  size_t done() const { return done_; }
  size_t items() const { return items_; }

 private:
  ProgressBar bar_{"Evaluating"};
  size_t done_ = 0, items_ = 0;
};

RunResult run_with_bar(const RunPlan& plan, LanguageModel& model) {
  RunBar bar;
  RunEvents events;
  events.cancel = &interrupted();
  events.on_progress = [&bar](const RunProgress& progress) { bar.show(progress); };
  try {
    RunResult result = run_items(plan, model, events);
    bar.clear();
    if (result.dropped_broken_line)
      write_remarks({"the last record was broken off, and its item was asked again"});
    if (result.found > 0) write_remarks({fmt::format("{} records were there already", result.found)});
    return result;
  } catch (const Error& error) {
    bar.clear();
    if (bar.items() == 0) throw;  // nothing was asked
    const std::string kept = fmt::format("{} of {} items are in {}; the same command with --resume goes on",
                                         bar.done(), bar.items(), plan.out.string());
    if (error.kind() == ErrorKind::kCancelled) throw Error(error.kind(), error.where(), "stopped", kept);
    write_remarks({kept});
    throw;
  }
}

struct Finished {
  std::string truncate;
  fs::path out;
  std::vector<TaskScore> tasks;
  size_t records = 0;
};

Finished run_once(const EvalOptions& options, const OpenedModel& opened, const LoadedSuite& suite,
                  const Place& place) {
  RunPlan plan;
  plan.items = suite.items;
  plan.shard = place.shard;
  plan.protocol = protocol_from_name(options.protocol);
  plan.truncation = {truncation_mode_from_name(options.truncate), middle_rule(plan.protocol), opened.window};
  plan.manifest = make_manifest(options, opened, suite, place.shard);
  plan.out = place.out;
  plan.resume = options.resume;
  const RunResult result = run_with_bar(plan, *opened.model);
  Finished finished{options.truncate, place.out, score_tasks(result.records, plan.protocol),
                    result.records.size()};
  std::vector<std::string> remarks = cost_remarks(finished.tasks, finished.records);
  remarks.push_back(fmt::format("records and manifest are in {}", place.out.string()));
  write_remarks(remarks);
  return finished;
}

Json describe_run_of(const EvalOptions& options, const LoadedSuite& suite, const Place& place,
                     const Finished& finished) {
  Json json = {{"run", finished.out.string()},
               {"suite", suite.name},
               {"protocol", options.protocol},
               {"label", label_of(options)},
               {"truncate", finished.truncate},
               {"shard", {{"index", place.shard.index}, {"count", place.shard.count}}},
               {"items", finished.records}};
  json.update(describe_scores(finished.tasks, options.suite, options.protocol));
  json["remarks"] = suite.remarks;
  return json;
}

std::string comparison_table(const std::vector<Finished>& runs) {
  size_t width = 4;
  for (const TaskScore& task : runs[0].tasks) width = std::max(width, display_width(task.task));
  std::string out = fmt::format("{:<{}}", "task", width);
  for (const Finished& run : runs) out += fmt::format("  {:>8}", run.truncate);
  out += fmt::format("  {:>5}\n", "cut");
  for (size_t i = 0; i < runs[0].tasks.size(); ++i) {
    out += fmt::format("{:<{}}", runs[0].tasks[i].task, width);
    for (const Finished& run : runs) out += fmt::format("  {:>8.2f}", run.tasks[i].score);
    out += fmt::format("  {:>5}\n", runs[0].tasks[i].truncated_items);
  }
  return out;
}

int compare_truncation(EvalOptions options, const OpenedModel& opened, const LoadedSuite& suite,
                       const Place& place) {
  std::vector<Finished> runs;
  Json json = {{"runs", Json::array()}};
  for (const char* mode : {"middle", "left", "right"}) {
    options.truncate = mode;
    const Place below{place.shard, place.out / mode};
    runs.push_back(run_once(options, opened, suite, below));
    json["runs"].push_back(describe_run_of(options, suite, below, runs.back()));
  }
  options.json ? write_json(json) : write_out(comparison_table(runs));
  return 0;
}

}  // namespace

std::shared_ptr<const Tokenizer> open_tokenizer(const std::string& name) {
  if (name.ends_with(".tiktoken")) return read_ranks_file(name);
  const fs::path path(name);
  const bool is_tokenizer_alone = fs::is_directory(path) && !fs::exists(path / "config.json");
  if (!is_tokenizer_alone) {
    ModelOptions options;
    options.model = name;
    return open_model(options, true, Packing::kNone)->tokenizer;
  }
  const TokenizerFiles files = tokenizer_from_hf(path, "llama", kMostTokens);
  if (!files.tokenizer) {
    throw Error(ErrorKind::kFile, name, "must hold a tokenizer.json or a tokenizer.model, found neither");
  }
  write_remarks(files.remarks);
  return files.tokenizer;
}

int run_evaluation(const EvalOptions& options) {
  const Place place = place_of(options);
  if (fs::exists(place.out) && !options.resume && !fs::is_empty(place.out)) {  // before a model is loaded
    throw Error(ErrorKind::kArgument, place.out.string(), "must be a new folder, found one that is there",
                "go on with its run by --resume, or take another folder");
  }
  describe_suite(options.suite, options.protocol);  // so is a suite that is not there
  const OpenedModel opened = options.endpoint.empty() ? open_engine(options) : open_endpoint(options);
  const LoadedSuite suite = open_suite(options, *opened.model);
  throw_if_interrupted();
  if (options.compare_truncation) return compare_truncation(options, opened, suite, place);
  const Finished finished = run_once(options, opened, suite, place);
  if (options.json) {
    write_json(describe_run_of(options, suite, place, finished));
  } else {
    write_out(score_table(finished.tasks, options.suite, options.protocol));
  }
  return 0;
}

}  // namespace longscroll
