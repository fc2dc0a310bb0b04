// What a recipe's fields must be, each and together, before any work starts.
#include <algorithm>
#include <cmath>
#include <initializer_list>

#include <fmt/format.h>

#include "base/error.h"
#include "train/recipe.h"

namespace longscroll::train {
namespace {

// Far above any use: bounds that keep products within 64 bits.
constexpr uint64_t kMaxSequence = uint64_t{1} << 24;
constexpr uint64_t kMaxBatch = uint64_t{1} << 40;
constexpr uint64_t kMaxSteps = uint64_t{1} << 40;
constexpr uint64_t kMaxRank = 4096;

[[noreturn]] void fail(std::string_view key, const std::string& what, std::string hint = {}) {
  throw Error(ErrorKind::kArgument, fmt::format("recipe, {}", key), what, std::move(hint));
}

void one_of(std::string_view key, const std::string& value, std::initializer_list<std::string_view> allowed) {
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
  std::string list;
  for (const std::string_view word : allowed) list += (list.empty() ? "" : ", ") + std::string(word);
  fail(key, fmt::format("must be one of {}, is \"{}\"", list, value));
}

void within(std::string_view key, double value, double least, double most) {
  if (value >= least && value <= most) return;
  fail(key, fmt::format("must be {} to {}, is {}", least, most, value));
}

void within(std::string_view key, uint64_t value, uint64_t least, uint64_t most) {
  if (value >= least && value <= most) return;
  fail(key, fmt::format("must be {} to {}, is {}", least, most, value));
}

void check_model(const ModelRecipe& model) {
  if (model.path.empty()) fail("model.path", "must name a model, is empty");
  one_of("model.compute", model.compute, {"bf16", "f32"});
  one_of("model.device", model.device, {"auto", "cpu", "cuda"});
  if (model.rope_base != 0) within("model.rope_base", model.rope_base, 1.0, 1e12);
  if (model.window != 0) within("model.window", model.window, 1, kMaxSequence);
  within("model.loss_chunk", model.loss_chunk, 1, kMaxSequence);
  within("model.ffn_chunk", model.ffn_chunk, 1, kMaxSequence);
}

void check_lora(const LoraRecipe& lora) {
  if (lora.rank == 0) return;
  within("lora.rank", lora.rank, 1, kMaxRank);
  within("lora.alpha", lora.alpha, 1e-3, 1e6);
  if (lora.targets.empty() && !lora.train_embeddings && !lora.train_norms) {
    fail("lora.targets", "must name a matrix, names none",
         "without anything to train there is nothing to do");
  }
  for (const std::string& target : lora.targets) {
    one_of("lora.targets", target,
           {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"});
  }
}

void check_sources(const std::vector<SourceRecipe>& sources, Stage stage) {
  if (sources.empty()) fail("data.sources", "must name at least one source, names none");
  for (const SourceRecipe& source : sources) {
    if (source.path.empty()) fail("data.sources.path", "must be a path, is empty");
    within("data.sources.weight", source.weight, 0.0, 1e9);
    within("data.sources.ratio", source.ratio, 0.0, 1e9);
    const bool shared = source.weight != 0 || source.ratio != 0 || source.count != 0;
    if (shared && stage == Stage::kPrefer) {
      fail("data.sources", "weight, count and ratio are not for dpo: every pair is read once an epoch");
    }
  }
}

void check_data(const DataRecipe& data, Stage stage) {
  check_sources(data.sources, stage);
  for (const BucketRecipe& bucket : data.buckets) within("data.buckets.weight", bucket.weight, 1e-9, 1e9);
  if (!data.buckets.empty() && stage == Stage::kPrefer) fail("data.buckets", "are not for dpo, are given");
  within("data.sequence_length", data.sequence_length, 2, kMaxSequence);
  if (stage == Stage::kPretrain) {
    one_of("data.packing", data.packing, {"best-fit", "concatenate", "padded"});
  } else {
    one_of("data.packing", data.packing, {"best-fit", "padded"});
  }
  one_of("data.too_long", data.too_long, {"refuse", "leave-out"});
  one_of("data.chat", data.chat, {"auto", "index", "chatml", "gemma", "llama3"});
  one_of("data.form", data.form, {"auto", "messages", "sharegpt", "alpaca", "index"});
  if (!data.document_mask && stage == Stage::kPrefer)
    fail("data.document_mask", "must stay on for dpo, whose pairs may not see each other");
  if (!data.reference.empty() && stage != Stage::kPrefer) {
    fail("data.reference", fmt::format("is for dpo alone, the stage is {}", to_string(stage)));
  }
}

void check_batch(const Recipe& recipe, Stage stage) {
  const uint64_t tokens = recipe.batch.tokens;
  const uint64_t length = recipe.data.sequence_length;
  within("batch.tokens", tokens, 1, kMaxBatch);
  if (recipe.batch.micro_tokens != 0) {
    within("batch.micro_tokens", recipe.batch.micro_tokens, length, kMaxBatch);
    if (stage == Stage::kPrefer) fail("batch.micro_tokens", "is for pt and sft, the stage is dpo");
  }
  if (tokens % length == 0) return;
  const uint64_t down = tokens / length * length;
  fail("batch.tokens", fmt::format("must be a multiple of data.sequence_length = {}, is {}", length, tokens),
       fmt::format("{}{} would be", down == 0 ? "" : fmt::format("{} or ", down), down + length));
}

void check_length(const LengthRecipe& length) {
  const int given = (length.steps != 0 ? 1 : 0) + (length.tokens != 0 ? 1 : 0) + (length.epochs != 0 ? 1 : 0);
  if (given != 1) {
    fail("length", fmt::format("one of steps, tokens and epochs must be given, {} are", given));
  }
  if (length.steps != 0) within("length.steps", length.steps, 1, kMaxSteps);
  if (length.epochs != 0) within("length.epochs", length.epochs, 1e-6, 1e6);
}

void check_optimizer(const OptimizerRecipe& optimizer) {
  within("optimizer.learning_rate", optimizer.learning_rate, 1e-12, 10.0);
  within("optimizer.final_learning_rate", optimizer.final_learning_rate, 0.0, optimizer.learning_rate);
  within("optimizer.beta1", optimizer.beta1, 0.0, 0.999999);
  within("optimizer.beta2", optimizer.beta2, 0.0, 0.999999);
  within("optimizer.epsilon", optimizer.epsilon, 1e-30, 1.0);
  within("optimizer.weight_decay", optimizer.weight_decay, 0.0, 10.0);
  within("optimizer.clip_norm", optimizer.clip_norm, 0.0, 1e12);
}

void check_run(const RunRecipe& run, const EvaluationRecipe& evaluation, Stage stage) {
  if (run.out.empty()) fail("run.out", "must be a folder, is empty");
  one_of("run.save_type", run.save_type, {"bf16", "f32", "f16"});
  within("run.keep", run.keep, 1, 1000000);
  if (run.spike_factor != 0) within("run.spike_factor", run.spike_factor, 1.01, 1e6);
  within("run.spike_window", run.spike_window, 2, 100000);
  if (!evaluation.path.empty() && stage == Stage::kPrefer) {
    fail("evaluation.path", "is for pt and sft, the stage is dpo",
         "the margin of each step is in metrics.jsonl");
  }
  within("evaluation.packs", evaluation.packs, 1, 1000000);
  within("evaluation.bucket", evaluation.bucket, 1, kMaxSequence);
  if (evaluation.every != 0 && evaluation.path.empty() && evaluation.command.empty()) {
    fail("evaluation.every", "needs evaluation.path or evaluation.command, neither is given");
  }
}

}  // namespace

void validate(const Recipe& recipe, Stage stage) {
  check_model(recipe.model);
  check_lora(recipe.lora);
  check_data(recipe.data, stage);
  check_batch(recipe, stage);
  check_length(recipe.length);
  check_optimizer(recipe.optimizer);
  within("preference.beta", recipe.preference.beta, 1e-6, 1e6);
  within("preference.label_smoothing", recipe.preference.label_smoothing, 0.0, 0.49);
  check_run(recipe.run, recipe.evaluation, stage);
}

uint64_t packs_per_batch(const Recipe& recipe) {
  return recipe.batch.tokens / recipe.data.sequence_length;
}

uint64_t packs_at_once(const Recipe& recipe) {
  const uint64_t packs = recipe.batch.micro_tokens / recipe.data.sequence_length;
  return std::clamp<uint64_t>(packs, 1, packs_per_batch(recipe));
}

uint64_t total_steps(const Recipe& recipe, uint64_t packs_per_epoch) {
  const LengthRecipe& length = recipe.length;
  uint64_t steps = length.steps;
  if (length.tokens != 0) {
    steps = length.tokens / recipe.batch.tokens + (length.tokens % recipe.batch.tokens != 0 ? 1 : 0);
  }
  if (length.epochs != 0) {
    if (packs_per_epoch == 0) {
      fail("length.epochs", "needs data whose end is known, these go on without one", "give length.tokens");
    }
    const double packs = std::ceil(length.epochs * static_cast<double>(packs_per_epoch));
    steps = static_cast<uint64_t>(std::ceil(packs / static_cast<double>(packs_per_batch(recipe))));
  }
  if (steps > kMaxSteps) fail("length", fmt::format("must be at most {} steps, is {}", kMaxSteps, steps));
  if (recipe.optimizer.warmup_steps >= steps) {
    fail("optimizer.warmup_steps",
         fmt::format("must be fewer than the run's {} steps, is {}", steps, recipe.optimizer.warmup_steps));
  }
  return steps;
}

}  // namespace longscroll::train
