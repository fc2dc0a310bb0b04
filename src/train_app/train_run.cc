// A run from recipe to exported model. Process 0 speaks for all.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include "base/error.h"
#include "console/guarded.h"
#include "console/interrupt.h"
#include "console/progress.h"
#include "console/terminal.h"
#include "hub/child.h"
#include "hub/paths.h"
#include "model/hf_export.h"
#include "train/communicator.h"
#include "train/device.h"
#include "train/evaluation.h"
#include "train/lm_task.h"
#include "train/metrics_log.h"
#include "train/opened_data.h"
#include "train/plan.h"
#include "train/trainer.h"
#include "train_app/options.h"
#include "train_app/run_folder.h"
#include "train_app/step_line.h"
#ifdef LONGSCROLL_NCCL
#include "formats/atomic_file.h"
#include "train/communicator_nccl.h"
#endif

namespace longscroll::train {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMeasuredPacks = 16;  // whose documents' lengths the forecast takes for those of all

class Run {
 public:
  Run(const TrainOptions& options, Communicator& communicator)
      : options_(options),
        communicator_(communicator),
        recipe_(load_recipe(options)),
        out_(recipe_.run.out),
        first_(communicator.rank() == 0) {}

  int go() {
    prepare_folder();
    check_memory();
    open_model();
    open_task();
    forecast_time();
    start_trainer();
    if (trainer_->run(events()) == RunEnd::kStopped) {
      say(fmt::format("stopped after step {}, which is saved: --resume goes on", trainer_->steps_done()));
      return interrupted_exit_code();
    }
    together(communicator_, [&] {
      if (first_) remark(export_model(model_, recipe_, out_ / kModelFolder));
    });
    if (peak_memory_ > 0) say(fmt::format("peak memory {}", format_bytes(peak_memory_)));
    say(fmt::format("the model is in {}", (out_ / kModelFolder).string()));
    return 0;
  }

 private:
  void say(const std::string& text) {
    if (first_) line_.note(text);
  }
  void remark(const std::vector<std::string>& remarks) {
    for (const std::string& text : remarks) say("note: " + text);
  }

  // A run never writes over another one's checkpoints by mistake.
  void prepare_folder() {
    together(communicator_, [&] {
      if (first_) folder_.emplace(out_);
    });
    together(communicator_, [&] {
      const CheckpointFolder checkpoints = checkpoints_of(out_);
      resume_from_ = options_.resume ? checkpoints.newest() : std::nullopt;
      if (!options_.resume && checkpoints.newest()) {
        throw Error(ErrorKind::kArgument, out_.string(), "must be a new run's folder, holds a run",
                    "--resume goes on with it; run.out names another folder");
      }
    });
    if (options_.resume && !resume_from_) say("note: there is no checkpoint yet: the run begins");
  }

  // Before the weights are read: what does not fit is not begun.
  void check_memory() {
    model_path_ = resolve_model(recipe_.model.path);
    device_ = choose_device(recipe_.model.device);
    machine_ = this_machine(communicator_, device_, model_options(recipe_, device_).compute);
    require_fit(recipe_, planned_config(recipe_, model_path_), machine_,
                one_document(recipe_.data.sequence_length));
  }

  void open_model() {
    model_ = open_language_model(recipe_, model_path_, device_);
    remark(model_.remarks);
  }

  void open_task() {
    const uint64_t packs_per_epoch = options_.stage == Stage::kPrefer ? open_preferences() : open_texts();
    steps_ = total_steps(recipe_, packs_per_epoch);
  }

  data::ReadEvents reading() const { return {.progress = {}, .cancel = &interrupted()}; }

  uint64_t open_preferences() {
    OpenedPairs pairs = open_pairs(recipe_, *model_.source, at::get_num_threads(), reading());
    const uint64_t packs_per_epoch = pairs.packs->packs_per_epoch();
    shape_ = mean_shape(*pairs.packs, std::min(kMeasuredPacks, packs_per_epoch));
    const fs::path path =
        recipe_.data.reference.empty() ? out_ / kReferenceFile : fs::path(recipe_.data.reference);
    const ReferenceFile file(path, ids_sha256(*pairs.pairs), recipe_.model.path);
    together(communicator_, [&] {
      // A run that begins anew has no reference yet: what an earlier one left may be of other weights.
      if (first_ && !resume_from_ && recipe_.data.reference.empty()) fs::remove(path);
    });
    say(file.exists() ? "the reference's log-probabilities are there"
                      : "computing the reference's log-probabilities, once");
    std::vector<float> reference = reference_log_probs(model_, pairs, file, communicator_);
    task_ = make_preference_task(model_, recipe_, std::move(pairs), std::move(reference));
    return packs_per_epoch;
  }

  uint64_t open_texts() {
    const int threads = at::get_num_threads();
    OpenedPacks opened = open_training_packs(recipe_, options_.stage, *model_.source, threads, reading());
    remark(opened.remarks);
    const uint64_t packs_per_epoch = opened.packs->packs_per_epoch();
    shape_ = mean_shape(*opened.packs, kMeasuredPacks);
    task_ = make_language_task(model_, recipe_, std::move(opened.packs));
    if (!recipe_.evaluation.path.empty()) {
      OpenedPacks held_out = open_held_out(recipe_, options_.stage, *model_.source, threads, reading());
      remark(held_out.remarks);
      held_out_ = std::move(held_out.packs);
    }
    return packs_per_epoch;
  }

  void forecast_time() {
    const Forecast plan = forecast(recipe_, model_.lm->config(), machine_, shape_, steps_);
    say(fmt::format("{} steps of {} tokens, about {} and {}", steps_, format_count(recipe_.batch.tokens),
                    format_bytes(static_cast<uint64_t>(plan.peak_bytes)), format_duration(plan.run_seconds)));
  }

  void start_trainer() {
    const double peak_rate = machine_.matmul_rate * static_cast<double>(machine_.processes);
    trainer_.emplace(*task_, communicator_, recipe_, options_.stage, steps_, peak_rate);
    if (resume_from_) {
      trainer_->resume(checkpoints_of(out_).path_of(*resume_from_));
      say(fmt::format("going on after step {}", *resume_from_));
    }
    if (!first_) return;
    write_file(out_ / kRecipeFile, write_recipe(recipe_));
    metrics_.emplace(out_ / kMetricsFile, trainer_->steps_done());
  }

  TrainerEvents events() {
    TrainerEvents told;
    told.stop = &interrupted();
    told.step = [this](const StepReport& report) {
      metrics_->append(to_json(report));
      peak_memory_ = report.peak_memory;
      if (report.step == report.total_steps) {
        line_.note(step_line(report));
      } else if (line_.due()) {
        line_.draw(step_line(report));
      }
    };
    if (held_out_) {
      told.evaluate = [this](uint64_t step) { evaluate_now(step); };
    }
    if (!recipe_.evaluation.command.empty()) {
      told.checkpoint = [this](uint64_t step, const fs::path& path) { run_command(step, path); };
    }
    return told;
  }

  void evaluate_now(uint64_t step) {
    const std::optional<Evaluation> evaluation =
        evaluate(*task_, *held_out_, recipe_.evaluation.packs, recipe_.evaluation.bucket,
                 recipe_.data.sequence_length, communicator_, &interrupted());
    if (!evaluation) return say(fmt::format("step {}: the evaluation was given up", step));
    if (!first_) return;
    metrics_->append({{"step", step}, {"evaluation", to_json(*evaluation)}});
    say(fmt::format("step {}: held-out perplexity {:.4f}, {:.6f} nats over {} targets", step,
                    std::exp(evaluation->all.loss()), evaluation->all.loss(), evaluation->all.targets));
  }

  // A command that fails is said and does not end the training.
  void run_command(uint64_t step, const fs::path& checkpoint) {
    ChildRequest request;
    for (std::string argument : recipe_.evaluation.command) {
      const std::string_view mark = "{checkpoint}";
      for (size_t at = argument.find(mark); at != std::string::npos; at = argument.find(mark, at)) {
        argument.replace(at, mark.size(), checkpoint.string());
        at += checkpoint.string().size();
      }
      request.arguments.push_back(argument);
    }
    request.cancel = &interrupted();
    try {
      const ChildResult result = run_child(request);
      if (result.exit_code == 0) return;
      say(fmt::format("note: step {}: {} ended with {}: {}", step, request.arguments[0], result.exit_code,
                      result.errors));
    } catch (const Error& error) {
      say(fmt::format("note: step {}: {}", step, error.what()));
    }
  }

  TrainOptions options_;
  Communicator& communicator_;
  Recipe recipe_;
  fs::path out_;
  std::optional<RunFolder> folder_;  // process 0's
  bool first_;
  StatusLine line_;
  std::optional<uint64_t> resume_from_;
  fs::path model_path_;
  std::string device_;
  Machine machine_;
  OpenedModel model_;
  PackShape shape_;
  std::unique_ptr<Task> task_;
  std::unique_ptr<data::PackSource> held_out_;
  uint64_t steps_ = 0;
  uint64_t peak_memory_ = 0;  // bytes, as of the last step
  std::optional<Trainer> trainer_;
  std::optional<MetricsLog> metrics_;
};

int train_over(const TrainOptions& options, Communicator& launched) {
  at::set_num_threads(options.threads > 0 ? options.threads : threads_for_process());
  const bool across_devices =
      launched.size() > 1 && choose_device(load_recipe(options).model.device) != "cpu";
  if (!across_devices) return Run(options, launched).go();
#ifdef LONGSCROLL_NCCL
  const std::unique_ptr<Communicator> nccl = make_nccl_communicator(launched);
  return Run(options, *nccl).go();
#else
  throw Error(ErrorKind::kUnsupported, "NCCL", "must be built in for several CUDA devices, is not",
              "build where nccl.h and libnccl are found, or set model.device = \"cpu\"");
#endif
}

// LibTorch's own exceptions carry a trace of its calls: its first line says what it is about.
int train_or_say_why(const TrainOptions& options, Communicator& launched) {
  try {
    return train_over(options, launched);
  } catch (const c10::Error& error) {
    const std::string what = error.what_without_backtrace();
    const bool memory = what.find("memory") != std::string::npos;
    throw Error(memory ? ErrorKind::kResource : ErrorKind::kUnsupported, "LibTorch",
                "must be able to compute this, said: " + what.substr(0, what.find('\n')),
                memory ? "--plan says what takes how much" : "");
  }
}

}  // namespace

int train(const TrainOptions& options) {
  install_stop_handlers();
  const std::unique_ptr<Communicator> launched = make_communicator();
  if (launched->size() == 1) return train_or_say_why(options, *launched);
  const std::string name = fmt::format("longscroll-train, process {}", launched->rank());
  bool ended = false;
  const int code = run_guarded(name, [&] {
    const int result = train_or_say_why(options, *launched);
    ended = true;
    return result;
  });
  if (!ended) launched->abort(code);  // the others may be waiting for this process
  return code;
}

}  // namespace longscroll::train
