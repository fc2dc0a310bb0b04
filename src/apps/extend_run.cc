#include "apps/extend_run.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "apps/eval_commands.h"
#include "apps/extend_corpus.h"
#include "apps/extend_page.h"
#include "apps/rope_commands.h"
#include "base/error.h"
#include "console/interrupt.h"
#include "console/progress.h"
#include "console/terminal.h"
#include "formats/atomic_directory.h"
#include "formats/atomic_file.h"
#include "formats/folder_lock.h"
#include "formats/record_fields.h"
#include "formats/strict_json.h"
#include "hub/child.h"
#include "library/file_bytes.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTrainer = "longscroll-train";
constexpr const char* kTrainerVariable = "LONGSCROLL_TRAIN";
constexpr std::chrono::seconds kTimeToSave{600};  // a large model's checkpoint

void say(const std::string& text) {
  fmt::print(stderr, "{}\n", text);
}

bool is_program(const fs::path& path) {
  return fs::is_regular_file(path) && ::access(path.c_str(), X_OK) == 0;
}

fs::path this_program() {
  return fs::read_symlink("/proc/self/exe");
}

// What the variable names, beside this program, on PATH.
std::string find_trainer() {
  if (const char* named = std::getenv(kTrainerVariable)) {
    if (is_program(named)) return named;
    throw Error(ErrorKind::kArgument, kTrainerVariable, fmt::format("must name a program, found {}", named));
  }
  std::vector<fs::path> folders = {this_program().parent_path()};
  const char* variable = std::getenv("PATH");
  std::string path = variable == nullptr ? "" : variable;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find(':', at), path.size());
    if (end > at) folders.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  for (const fs::path& folder : folders) {
    if (is_program(folder / kTrainer)) return (folder / kTrainer).string();
  }
  throw Error(
      ErrorKind::kUnsupported, kTrainer,
      fmt::format("must be beside {} or on PATH to train, found it in neither",
                  this_program().filename().string()),
      fmt::format("`make build-train` builds it; {} names it where it is elsewhere", kTrainerVariable));
}

std::optional<std::string> text_of(const std::string& file) {
  return file.empty() ? std::nullopt : std::optional(read_file_bytes(file).bytes);
}

void fill_defaults(ExtendSettings& settings) {
  if (settings.batch_tokens == 0) settings.batch_tokens = default_batch_tokens(settings.window);
  if (settings.sft_learning_rate == 0) settings.sft_learning_rate = settings.learning_rate / 2;
  if (settings.batch_tokens % settings.window != 0) {
    throw Error(ErrorKind::kArgument, "--batch-tokens",
                fmt::format("must be a multiple of the window's {} tokens, found {}", settings.window,
                            settings.batch_tokens));
  }
}

class Running {
 public:
  explicit Running(ExtendSettings settings) {
    fill_defaults(settings);
    run_.plan.settings = std::move(settings);
    run_.plan.program = this_program().string();
    run_.plan.trainer = find_trainer();
  }

  ExtendRun go() {
    const FolderLock lock(out(), "wait for it, or name another --out");
    choose_base();
    keep_settings(out(), describe_settings(run_.plan.settings));
    for (const char* folder : {"logs", "done", "before", "after"}) fs::create_directories(out() / folder);
    stages_ = extend_stages(run_.plan);
    const size_t done = stages_done(run_.plan, stages_);
    for (size_t i = 0; i < stages_.size(); ++i) {
      if (i < done) {
        run_.stages.push_back({stages_[i], seconds_of(stages_[i]), true});
      } else {
        say(fmt::format("[{}/{}] {}", i + 1, stages_.size(), stages_[i].title));
        carry_out(stages_[i]);
      }
    }
    return std::move(run_);
  }

 private:
  fs::path out() const { return run_.plan.out(); }

  void choose_base() {
    const ExtendSettings& settings = run_.plan.settings;
    PlanRequest request;
    request.trained = trained_rope_of(settings.model);
    request.window = settings.window;
    if (settings.window <= request.trained.window) {
      throw Error(ErrorKind::kArgument, "--window",
                  fmt::format("must be above the model's own {} tokens, found {}", request.trained.window,
                              settings.window));
    }
    run_.rope = plan_rope(request);
    run_.plan.old_window = request.trained.window;
    run_.plan.base = settings.base > 0 ? settings.base : std::max(run_.rope.suggested, request.trained.base);
    say(fmt::format(
        "{} to {} tokens: base {} was trained; {} by 2310.05209 and {} by 2405.14591; taken: {}{}",
        format_count(run_.plan.old_window), format_count(settings.window), base_text(request.trained.base),
        base_text(run_.rope.wanted.critical_base), base_text(run_.rope.wanted.lowest_base),
        base_text(run_.plan.base), settings.base > 0 ? ", as --base has it" : ""));
  }

  double seconds_of(const ExtendStage& stage) const {
    const fs::path path = done_mark(run_.plan, stage);
    const nlohmann::json mark = parse_strict_json(read_file_bytes(path).bytes, path, "mark", 2);
    return RecordFields(mark, path, "mark").number("seconds");
  }

  void carry_out(const ExtendStage& stage) {
    const auto start = std::chrono::steady_clock::now();
    try {
      stage.command.empty() ? do_here(stage) : run_program(stage);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kCancelled) throw;
      throw Error(error.kind(), stage.title, "stopped",
                  fmt::format("what is done is in {}; the same command goes on", out().string()));
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const Json mark = {{"seconds", seconds}};
    write_file(done_mark(run_.plan, stage), mark.dump() + "\n");
    run_.stages.push_back({stage, seconds, false});
  }

  void do_here(const ExtendStage& stage) {
    if (stage.name == kCorpusStage) return split_documents();
    if (stage.name == kShardsStage) return make_shards();
    if (stage.name == kModelStage) return hand_over_model();
    const report::ReportSummary summary = write_extension_page(run_);
    write_remarks(summary.remarks);
  }

  template <class Work>
  static auto with_bar(const Work& work) {
    ProgressBar bar("Reading", "bytes");
    return work({[&bar](uint64_t done, uint64_t total) { bar.update(done, total); }, &interrupted()});
  }

  void split_documents() {
    const CorpusSplit split = with_bar(
        [&](const data::ReadEvents& events) { return split_corpus(run_.plan, tokenizer(), events); });
    write_remarks({fmt::format("{} of {} documents are kept apart", format_count(split.kept_apart),
                               format_count(split.documents))});
  }

  void make_shards() {
    write_remarks(with_bar([&](const data::ReadEvents& events) {
      return pack_split(run_.plan, read_split(run_.plan), tokenizer(), events);
    }));
  }

  const Tokenizer& tokenizer() {
    if (!tokenizer_) tokenizer_ = open_tokenizer(run_.plan.settings.model);
    return *tokenizer_;
  }

  // The trained model's files again under a name of their own, without their bytes where links are to be had.
  void hand_over_model() {
    AtomicDirectory directory(out() / kModelStage);
    for (const fs::directory_entry& file : fs::directory_iterator(run_.plan.trained() / "model")) {
      const fs::path copy = directory.temporary() / file.path().filename();
      std::error_code failure;
      fs::create_hard_link(file.path(), copy, failure);
      if (failure) fs::copy_file(file.path(), copy);
    }
    directory.commit();
  }

  void write_recipe(const ExtendStage& stage) const {
    const ExtendSettings& settings = run_.plan.settings;
    if (stage.name == "long-pt")
      write_file(out() / "long-pt.toml", pt_recipe_text(run_.plan, text_of(settings.pt_recipe)));
    if (stage.name == "long-sft")
      write_file(out() / "long-sft.toml", sft_recipe_text(run_.plan, text_of(settings.sft_recipe)));
  }

  void run_program(const ExtendStage& stage) const {
    write_recipe(stage);
    ChildRequest request;
    request.arguments = stage.command;
    if (fs::exists(stage.resume_with)) request.arguments.emplace_back("--resume");
    request.output = out() / "logs" / (stage.name + ".log");
    request.cancel = &interrupted();
    request.time_to_end = kTimeToSave;
    std::ofstream log(request.output, std::ios::app | std::ios::binary);
    request.on_errors = [&log](std::string_view piece) {
      log << piece << std::flush;
      std::fwrite(piece.data(), 1, piece.size(), stderr);
    };
    const ChildResult result = run_child(request);
    if (result.exit_code == 0) return;
    throw Error(
        ErrorKind::kUnsupported, stage.title,
        fmt::format("must end well, and {} ended with exit code {}", stage.command.front(), result.exit_code),
        fmt::format("{} has what it said; the same command goes on from there", request.output.string()));
  }

  ExtendRun run_;
  std::vector<ExtendStage> stages_;
  std::shared_ptr<const Tokenizer> tokenizer_;
};

}  // namespace

ExtendRun run_extend(ExtendSettings settings) {
  return Running(std::move(settings)).go();
}

}  // namespace longscroll
