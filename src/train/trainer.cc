#include "train/trainer.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "base/error.h"
#include "train/device.h"

namespace longscroll::train {
namespace {

using Clock = std::chrono::steady_clock;

Schedule schedule_of(const OptimizerRecipe& recipe, uint64_t total_steps) {
  return {recipe.learning_rate, recipe.final_learning_rate, recipe.warmup_steps, total_steps};
}

AdamWOptions adamw_options(const OptimizerRecipe& recipe) {
  return {recipe.beta1, recipe.beta2, recipe.epsilon, recipe.weight_decay, recipe.clip_norm};
}

std::span<const float> floats_of(const at::Tensor& row) {
  return {row.const_data_ptr<float>(), static_cast<size_t>(row.numel())};
}

// The floats of `row` in the computer's memory, to be filled; back() brings them to the row's device.
class HostRow {
 public:
  explicit HostRow(at::Tensor row) : row_(std::move(row)) {
    host_ = row_.is_cpu() ? row_ : at::empty_like(row_, row_.options().device(at::kCPU));
  }
  std::span<float> floats() { return {host_.data_ptr<float>(), static_cast<size_t>(host_.numel())}; }
  void back() {
    if (!row_.is_cpu()) row_.copy_(host_);
  }

 private:
  at::Tensor row_;
  at::Tensor host_;
};

void check_same_parameters(const TrainingState& saved, const std::vector<ParameterShape>& now,
                           const std::string& where) {
  for (size_t i = 0; i < std::max(saved.parameters.size(), now.size()); ++i) {
    if (i < saved.parameters.size() && i < now.size() && saved.parameters[i] == now[i]) continue;
    const std::string was = i < saved.parameters.size() ? saved.parameters[i].name : "none";
    const std::string is = i < now.size() ? now[i].name : "none";
    throw Error(
        ErrorKind::kArgument, where,
        fmt::format("must be of the model of the recipe; parameter {} is {} there, {} here", i, was, is),
        "or one of the same name and another shape: the model or lora was changed");
  }
}

}  // namespace

struct Trainer::Sums {
  double loss = 0;
  double work = 0;  // operations by the usual count
  bool stopped = false;
  uint64_t bad_pack_plus_one = 0;
  std::vector<double> measures;
};

Trainer::Trainer(Task& task, Communicator& communicator, const Recipe& recipe, Stage stage,
                 uint64_t total_steps, double peak_rate)
    : task_(task),
      communicator_(communicator),
      recipe_(recipe),
      total_steps_(total_steps),
      packs_per_step_(packs_per_batch(recipe)),
      packs_at_once_(task.joins_packs() ? packs_at_once(recipe) : 1),
      peak_rate_(peak_rate),
      schedule_(schedule_of(recipe.optimizer, total_steps)),
      parameters_(task.parameters(), communicator.size()),
      optimizer_(parameters_, communicator, adamw_options(recipe.optimizer)),
      guard_(recipe.run.spike_factor, recipe.run.spike_window),
      checkpoints_(checkpoints_of(recipe.run.out)) {
  state_.stage = to_string(stage);
  state_.recipe = write_recipe(recipe);
  state_.processes = static_cast<uint64_t>(communicator.size());
  state_.shard = parameters_.shard();
  state_.parameters = parameters_.layout().parameters();
}

Trainer::~Trainer() {
  if (next_batch_.valid()) next_batch_.wait();  // its thread reads the task's packs
}

void Trainer::resume(const std::filesystem::path& checkpoint) {
  const at::NoGradGuard no_grad;
  const TrainingState saved = read_training_state(checkpoint);
  if (saved.stage != state_.stage) {
    throw Error(ErrorKind::kArgument, checkpoint.string(),
                fmt::format("must be of stage {}, is of {}", state_.stage, saved.stage));
  }
  check_same_parameters(saved, state_.parameters, checkpoint.string());
  const std::string changed = course_difference(parse_recipe(saved.recipe, checkpoint.string()), recipe_);
  if (!changed.empty()) {
    throw Error(ErrorKind::kArgument, checkpoint.string(),
                fmt::format("must be of the same course of training, but {}", changed),
                "undo the change, or start another run from the checkpoint's weights: model.path");
  }
  HostRow weights(parameters_.weights());
  HostRow exp_avg(optimizer_.exp_avg());
  HostRow exp_avg_sq(optimizer_.exp_avg_sq());
  read_state_shard(checkpoint, saved, 0, {weights.floats(), {}, {}});
  read_state_shard(checkpoint, saved, optimizer_.shard_begin(), {{}, exp_avg.floats(), exp_avg_sq.floats()});
  for (HostRow* row : {&weights, &exp_avg, &exp_avg_sq}) row->back();
  optimizer_.set_steps_done(saved.step);
  state_.step = saved.step;
  state_.tokens = saved.tokens;
  state_.loss_weight = saved.loss_weight;
  saved_step_ = saved.step;
}

Trainer::Batch Trainer::make_batch(uint64_t step) const {
  Batch batch;
  batch.first = step * packs_per_step_;
  const auto size = static_cast<uint64_t>(communicator_.size());
  for (auto i = static_cast<uint64_t>(communicator_.rank()); i < packs_per_step_; i += size) {
    if (batch.parts.empty() || batch.parts.back().indices.size() == packs_at_once_)
      batch.parts.emplace_back();
    MicroBatch& part = batch.parts.back();
    part.indices.push_back(batch.first + i);
    part.pack.append(task_.packs().pack(batch.first + i));
  }
  return batch;
}

// That one of `part` whose loss is no number by itself.
uint64_t Trainer::broken_pack(const MicroBatch& part) {
  if (part.indices.size() == 1) return part.indices.front();
  const at::NoGradGuard no_grad;
  for (const uint64_t index : part.indices) {
    const data::Pack pack = task_.packs().pack(index);
    if (task_.weight(pack) > 0 && !std::isfinite(task_.loss_sum(pack, index).item<double>())) return index;
  }
  return part.indices.front();
}

void Trainer::prefetch(uint64_t step) {
  if (step < total_steps_) {
    next_batch_ = std::async(std::launch::async, [this, step] { return make_batch(step); });
  }
}

Trainer::Sums Trainer::forward_backward(const Batch& batch, uint64_t total_weight,
                                        const std::atomic<bool>* stop) {
  Sums sums;
  for (const MicroBatch& part : batch.parts) {
    if (sums.stopped || sums.bad_pack_plus_one != 0) break;
    if (stop != nullptr && *stop) {
      sums.stopped = true;
    } else if (task_.weight(part.pack) > 0) {
      const at::Tensor loss = task_.loss_sum(part.pack, part.indices.front());
      (loss / static_cast<double>(total_weight)).backward();
      const auto value = loss.item<double>();
      if (!std::isfinite(value)) sums.bad_pack_plus_one = broken_pack(part) + 1;
      sums.loss += value;
      sums.work += task_.work(part.pack).usual;
    }
  }
  sums.measures = task_.take_measures();
  return sums;
}

// Each process knows of its own packs alone; the first bad one of all is named.
void Trainer::check_packs(const Batch& batch, uint64_t bad_pack_plus_one) {
  std::vector<uint64_t> bad(packs_per_step_, 0);
  if (bad_pack_plus_one != 0) bad[bad_pack_plus_one - 1 - batch.first] = 1;
  communicator_.sum(std::span(bad));
  const auto first = std::find_if(bad.begin(), bad.end(), [](uint64_t count) { return count != 0; });
  if (first == bad.end()) return;
  const uint64_t index = batch.first + static_cast<uint64_t>(first - bad.begin());
  throw Error(ErrorKind::kFile, fmt::format("step {}, pack {}", state_.step + 1, index),
              "the loss must be a number, is not",
              fmt::format("the pack holds {}", task_.packs().describe(index)));
}

void Trainer::check_step(const Batch& batch, double loss, double norm) {
  const std::optional<std::string> fault = guard_.fault(loss, norm);
  if (!fault) return;
  constexpr uint64_t kShown = 4;  // a batch of the report's has 128 packs
  std::string packs;
  for (uint64_t i = 0; i < std::min(kShown, packs_per_step_); ++i) {
    packs += (packs.empty() ? "" : "; ") + task_.packs().describe(batch.first + i);
  }
  if (packs_per_step_ > kShown) packs += "; …";
  throw Error(
      ErrorKind::kFile,
      fmt::format("step {}, packs {} to {}", state_.step + 1, batch.first, batch.first + packs_per_step_ - 1),
      *fault, fmt::format("they hold {}", packs));
}

std::optional<StepReport> Trainer::step(const std::atomic<bool>* stop) {
  const auto start = Clock::now();
  const Batch batch = next_batch_.valid() ? next_batch_.get() : make_batch(state_.step);
  prefetch(state_.step + 1);
  std::array<uint64_t, 2> counts = {0, 0};  // what the loss is divided by, positions
  for (const MicroBatch& part : batch.parts) {
    counts[0] += task_.weight(part.pack);
    counts[1] += static_cast<uint64_t>(shape_of(part.pack).tokens);
  }
  communicator_.sum(std::span<uint64_t>(counts));
  if (counts[0] == 0) {
    throw Error(ErrorKind::kFile, fmt::format("step {}", state_.step + 1),
                "must have something to learn, its packs have no targets",
                task_.packs().describe(batch.first));
  }
  parameters_.zero_gradients();
  const Sums sums = forward_backward(batch, counts[0], stop);
  std::vector<double> totals = {sums.loss, sums.work, sums.stopped ? 1.0 : 0.0,
                                sums.bad_pack_plus_one != 0 ? 1.0 : 0.0};
  totals.insert(totals.end(), sums.measures.begin(), sums.measures.end());
  communicator_.sum(std::span(totals));
  if (totals[2] > 0) return std::nullopt;
  if (totals[3] > 0) check_packs(batch, sums.bad_pack_plus_one);
  const auto weight = static_cast<double>(counts[0]);
  StepReport report;
  report.loss = totals[0] / weight;
  report.gradient_norm = optimizer_.reduce_gradients();
  check_step(batch, report.loss, report.gradient_norm);
  report.learning_rate = schedule_.learning_rate(state_.step);
  optimizer_.step(report.learning_rate, report.gradient_norm);

  state_.step += 1;
  state_.tokens += counts[1];
  state_.loss_weight += counts[0];
  report.step = state_.step;
  report.total_steps = total_steps_;
  report.first_pack = batch.first;
  report.packs = packs_per_step_;
  report.tokens = state_.tokens;
  report.step_tokens = counts[1];
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  report.tokens_per_second = static_cast<double>(counts[1]) / report.seconds;
  if (peak_rate_ > 0) report.peak_share = totals[1] / report.seconds / peak_rate_;
  report.peak_memory = peak_memory_of(parameters_.weights().device());
  seconds_here_ += report.seconds;
  steps_here_ += 1;
  report.seconds_left =
      seconds_here_ / static_cast<double>(steps_here_) * static_cast<double>(total_steps_ - state_.step);
  const std::vector<std::string> names = task_.measures();
  for (size_t i = 0; i < names.size(); ++i) report.measures.emplace_back(names[i], totals[4 + i] / weight);
  return report;
}

void Trainer::save(const TrainerEvents& events) {
  if (saved_step_ == state_.step) return;
  const at::Tensor weights = optimizer_.weights_shard().cpu();
  const at::Tensor exp_avg = optimizer_.exp_avg().cpu();
  const at::Tensor exp_avg_sq = optimizer_.exp_avg_sq().cpu();
  write_checkpoint(communicator_, checkpoints_, state_,
                   {floats_of(weights), floats_of(exp_avg), floats_of(exp_avg_sq)}, recipe_.run.keep,
                   [this](const std::filesystem::path& directory) { task_.save_model(directory); });
  saved_step_ = state_.step;
  if (communicator_.rank() == 0 && events.checkpoint) {
    events.checkpoint(state_.step, checkpoints_.path_of(state_.step));
  }
}

RunEnd Trainer::run(const TrainerEvents& events) {
  together(communicator_, [this] {
    if (communicator_.rank() == 0) checkpoints_.prepare();
  });
  const RunRecipe& run = recipe_.run;
  if (events.evaluate && state_.step == 0) events.evaluate(0);
  while (state_.step < total_steps_) {
    const std::optional<StepReport> report = step(events.stop);
    if (!report) {
      if (state_.step > 0) save(events);
      return RunEnd::kStopped;
    }
    if (communicator_.rank() == 0 && events.step) events.step(*report);
    const bool last = state_.step == total_steps_;
    if (events.evaluate && (last || due(recipe_.evaluation.every))) events.evaluate(state_.step);
    if (last || due(run.checkpoint_every)) save(events);
  }
  return RunEnd::kFinished;
}

}  // namespace longscroll::train
