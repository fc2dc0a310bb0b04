#include "apps/extend_stages.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLeastLength = 16;    // below that a perplexity says nothing
constexpr uint64_t kRoomForAnswer = 32;  // tokens
constexpr uint64_t kCheckpoints = 10;    // a stop without a warning loses at most a tenth
constexpr uint64_t kSftCheckpointEvery = 20;
constexpr uint64_t kWarmupShare = 20;  // of the steps
constexpr double kFinalRate = 0.1;     // of the peak
constexpr uint64_t kHeldOutPacks = 8;

using Words = std::vector<std::string>;

std::string joined(const std::vector<uint64_t>& numbers) {
  return fmt::format("{}", fmt::join(numbers, ","));
}

// As a TOML basic string, whose escapes are JSON's.
std::string quoted(const fs::path& path) {
  return Json(path.string()).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Words with_threads(const ExtendPlan& plan, Words words) {
  if (plan.settings.threads > 0) {
    words.emplace_back("--threads");
    words.push_back(std::to_string(plan.settings.threads));
  }
  return words;
}

struct Side {
  std::string name;   // "before"
  std::string model;  // a path or a name
};

ExtendStage map_stage(const ExtendPlan& plan, const Side& side) {
  const fs::path out = plan.out() / side.name / "map";
  Words words = {plan.program, "rope", "map", side.model};
  for (size_t i = 0; i < plan.settings.texts; ++i)
    words.push_back((plan.out() / kCorpusStage / fmt::format("text-{}.txt", i)).string());
  const std::vector<uint64_t> lengths = perplexity_lengths(plan.old_window, plan.settings.window);
  for (std::string word : {std::string("--lengths"), joined(lengths), std::string("--max-tokens"),
                           std::to_string(plan.settings.window + 1), std::string("--out"), out.string()})
    words.push_back(std::move(word));
  return {"map-" + side.name, fmt::format("Perplexity by length, {}", side.name), out / "index.html",
          with_threads(plan, std::move(words)), out / "map.json"};
}

ExtendStage needle_stage(const ExtendPlan& plan, const Side& side) {
  const fs::path out = plan.out() / side.name / "needle";
  const fs::path own = plan.out() / kCorpusStage;
  const std::string window = std::to_string(plan.settings.window);
  const std::string& suite = plan.settings.suite;
  Words words = {plan.program, "eval"};
  if (suite.empty()) {
    words.insert(words.end(), {"--suite-file", (own / kSuiteFile).string(), "--data", own.string()});
  } else {
    if (suite.ends_with(".json")) words.emplace_back("--suite-file");
    words.push_back(suite);
    if (!plan.settings.suite_data.empty()) words.insert(words.end(), {"--data", plan.settings.suite_data});
  }
  words.insert(words.end(), {"--model", side.model, "--window", window, "--max-seq-len", window, "--label",
                             side.name, "--out", out.string(), "--resume"});
  const char* what = suite.empty() ? "Needle in a haystack" : "The suite";
  return {"needle-" + side.name,
          fmt::format("{}, {}", what, side.name),
          out / "manifest.json",
          with_threads(plan, std::move(words)),
          {}};
}

// What extend is about is its own to say, whoever wrote the recipe.
ExtendStage train_stage(const ExtendPlan& plan, const std::string& name, const char* title,
                        const std::string& model) {
  const fs::path out = plan.out() / name;
  const bool is_pt = name == "long-pt";
  Words words = {plan.trainer, is_pt ? "pt" : "sft", (plan.out() / (name + ".toml")).string(), "--resume"};
  Words settings = {"model.path=" + model, "run.out=" + out.string()};
  if (is_pt) {
    settings.push_back(fmt::format("model.rope_base={}", plan.base));
    settings.push_back(fmt::format("model.window={}", plan.settings.window));
  }
  for (std::string& setting : settings) words.insert(words.end(), {"--set", std::move(setting)});
  return {name, title, out / "model" / "config.json", with_threads(plan, std::move(words)), {}};
}

std::string source(const fs::path& path) {
  return fmt::format("[[data.sources]]\npath = {}\n", quoted(path));
}

// A recipe that names no data reads what extend has for it.
std::string with_data(const std::string& own, const fs::path& data) {
  const bool names_data = own.find("data.sources") != std::string::npos;
  return names_data ? own : own + "\n" + source(data);
}

std::string length_of(uint64_t steps) {
  return fmt::format("[length]\nsteps = {}\n", steps);
}

struct Course {
  double rate = 0;
  uint64_t warmup = 0;
  uint64_t checkpoint_every = 0;
  std::string length;      // the table
  std::string data;        // further keys of [data]
  std::string evaluation;  // the table
};

std::string recipe_text(const ExtendPlan& plan, const Course& course, const fs::path& data) {
  return fmt::format(
      "[data]\nsequence_length = {}\n{}{}[batch]\ntokens = {}\n{}[optimizer]\nlearning_rate = {}\n"
      "final_learning_rate = {}\nwarmup_steps = {}\n{}[run]\ncheckpoint_every = {}\nkeep = 2\n",
      plan.settings.window, course.data, source(data), plan.settings.batch_tokens, course.length, course.rate,
      kFinalRate * course.rate, course.warmup, course.evaluation, course.checkpoint_every);
}

}  // namespace

fs::path ExtendPlan::trained() const {
  return out() / (settings.sft.empty() ? "long-pt" : "long-sft");
}

std::vector<ExtendStage> extend_stages(const ExtendPlan& plan) {
  const fs::path out = plan.out();
  const bool asks = plan.settings.needle_repeats > 0 || !plan.settings.suite.empty();
  const Side before = {"before", plan.settings.model};
  const Side after = {"after", (out / kModelStage).string()};
  std::vector<ExtendStage> stages;
  stages.push_back({kCorpusStage, "Documents kept apart", out / kCorpusStage / kSplitFile, {}, {}});
  stages.push_back({kShardsStage, "Token shards", out / kShardsStage / "train" / "manifest.json", {}, {}});
  stages.push_back(map_stage(plan, before));
  if (asks) stages.push_back(needle_stage(plan, before));
  stages.push_back(train_stage(plan, "long-pt", "Long PT", plan.settings.model));
  if (!plan.settings.sft.empty())
    stages.push_back(train_stage(plan, "long-sft", "Long SFT", (out / "long-pt" / "model").string()));
  stages.push_back({kModelStage, "Model", out / kModelStage / "config.json", {}, {}});
  stages.push_back(map_stage(plan, after));
  if (asks) stages.push_back(needle_stage(plan, after));
  stages.push_back({kReportStage, "Report", out / kReportStage / "index.html", {}, {}});
  return stages;
}

fs::path done_mark(const ExtendPlan& plan, const ExtendStage& stage) {
  return plan.out() / "done" / (stage.name + ".json");
}

size_t stages_done(const ExtendPlan& plan, const std::vector<ExtendStage>& stages) {
  const auto is_done = [&plan](const ExtendStage& stage) {
    return fs::exists(done_mark(plan, stage)) && fs::exists(stage.product);
  };
  const auto first_open = std::ranges::find_if_not(stages, is_done);
  const auto behind = std::find_if(first_open, stages.end(), is_done);
  if (behind != stages.end()) {
    throw Error(
        ErrorKind::kFile, first_open->product.string(),
        fmt::format("must be there, since {} was made of it, found nothing", behind->product.string()),
        fmt::format("remove {} too, and what it is the mark of, or begin anew in another --out",
                    done_mark(plan, *behind).string()));
  }
  return static_cast<size_t>(first_open - stages.begin());
}

std::vector<uint64_t> perplexity_lengths(uint64_t old_window, uint64_t window) {
  std::vector<uint64_t> lengths;
  for (const uint64_t part : {uint64_t{4}, uint64_t{2}}) {
    if (old_window / part >= kLeastLength) lengths.push_back(old_window / part);
  }
  for (uint64_t length = old_window; length < window; length *= 2) lengths.push_back(length);
  lengths.push_back(window);
  return lengths;
}

std::vector<uint64_t> needle_lengths(uint64_t old_window, uint64_t window, uint64_t least) {
  std::vector<uint64_t> lengths = {old_window / 2};
  for (uint64_t length = old_window; length < window; length *= 2) lengths.push_back(length);
  const uint64_t last = window - std::min(window / 2, kRoomForAnswer);
  std::erase_if(lengths, [&](uint64_t length) { return length < least || length >= last; });
  lengths.push_back(last);
  return lengths;
}

std::string pt_recipe_text(const ExtendPlan& plan, const std::optional<std::string>& own) {
  const fs::path shards = plan.out() / kShardsStage;
  if (own) return with_data(*own, shards / "train");
  const ExtendSettings& settings = plan.settings;
  const uint64_t steps = (settings.tokens + settings.batch_tokens - 1) / settings.batch_tokens;
  const uint64_t every = std::max<uint64_t>(1, steps / kCheckpoints);
  return recipe_text(plan,
                     {settings.learning_rate, steps / kWarmupShare, every, length_of(steps), "",
                      fmt::format("[evaluation]\npath = {}\nevery = {}\npacks = {}\nbucket = {}\n",
                                  quoted(shards / "held-out"), every, kHeldOutPacks, plan.old_window)},
                     shards / "train");
}

std::string sft_recipe_text(const ExtendPlan& plan, const std::optional<std::string>& own) {
  const ExtendSettings& settings = plan.settings;
  if (own) return with_data(*own, settings.sft);
  // How many steps its epochs have is known only when the instructions are read.
  return recipe_text(
      plan,
      {settings.sft_learning_rate, 0, kSftCheckpointEvery,
       fmt::format("[length]\nepochs = {}\n", settings.sft_epochs), "too_long = \"leave-out\"\n", ""},
      settings.sft);
}

}  // namespace longscroll
