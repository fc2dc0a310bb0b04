#include "train/lm_task.h"

#include <algorithm>
#include <array>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "base/error.h"
#include "formats/atomic_directory.h"
#include "train/adapter_io.h"
#include "train/preference_loss.h"
#include "train/weights_io.h"

namespace longscroll::train {
namespace {

DType save_type(const Recipe& recipe) {
  return *dtype_from_name(recipe.run.save_type);
}

// What both kinds of task share: the model.
class ModelTask : public Task {
 public:
  ModelTask(const OpenedModel& model, const Recipe& recipe) : model_(model), recipe_(recipe) {}

  std::vector<NamedTensor> parameters() override {
    std::vector<NamedTensor> learning;
    for (const auto& parameter : lm().named_parameters()) {
      if (parameter.value().requires_grad()) learning.emplace_back(parameter.key(), parameter.value());
    }
    return learning;
  }

  Work work(const data::Pack& pack) const override {
    return pack_work(model_.lm->config(), model_.lm->options(), shape_of(pack));
  }

  at::Tensor document_log_probs(const data::Pack& pack) override {
    const at::NoGradGuard no_grad;
    return lm().document_log_probs(pack);
  }

  void save_model(const std::filesystem::path& directory) const override {
    save_checkpoint_model(model_, recipe_, directory);
  }

 protected:
  LanguageModel& lm() const { return *model_.lm; }

 private:
  OpenedModel model_;
  Recipe recipe_;
};

class LanguageTask final : public ModelTask {
 public:
  LanguageTask(const OpenedModel& model, const Recipe& recipe, std::unique_ptr<data::PackSource> packs)
      : ModelTask(model, recipe), packs_(std::move(packs)) {}

  const data::PackSource& packs() const override { return *packs_; }
  uint64_t weight(const data::Pack& pack) const override { return pack.loss_tokens(); }
  bool joins_packs() const override { return true; }
  at::Tensor loss_sum(const data::Pack& pack, uint64_t /*index*/) override { return lm().loss_sum(pack); }

 private:
  std::unique_ptr<data::PackSource> packs_;
};

// Documents with a target: a pack's padding has none.
uint64_t pairs_in(const data::Pack& pack) {
  uint64_t answers = 0;
  for (size_t d = 0; d < pack.starts.size(); ++d) {
    const size_t begin = pack.starts[d];
    const size_t end = d + 1 < pack.starts.size() ? pack.starts[d + 1] : pack.ids.size();
    const auto targets = std::span(pack.targets).subspan(begin, end - begin);
    if (std::any_of(targets.begin(), targets.end(), [](TokenId id) { return id != data::kIgnored; }))
      ++answers;
  }
  return answers / 2;
}

class PreferenceTask final : public ModelTask {
 public:
  PreferenceTask(const OpenedModel& model, const Recipe& recipe, OpenedPairs pairs,
                 std::vector<float> reference)
      : ModelTask(model, recipe),
        pairs_(std::move(pairs)),
        reference_(std::move(reference)),
        preference_(recipe.preference) {}

  const data::PackSource& packs() const override { return *pairs_.packs; }
  uint64_t weight(const data::Pack& pack) const override { return pairs_in(pack); }

  at::Tensor loss_sum(const data::Pack& pack, uint64_t index) override {
    const std::vector<data::Piece> pieces = pairs_.packs->pieces(index);
    std::vector<float> reference;
    for (const data::Piece& piece : pieces) {
      const auto first = reference_.begin() + static_cast<std::ptrdiff_t>(2) * piece.document;
      reference.insert(reference.end(), first, first + 2);
    }
    const auto answers = static_cast<int64_t>(reference.size());
    const at::Tensor policy = lm().document_log_probs(pack).narrow(0, 0, answers);
    const at::Tensor wanted = at::tensor(reference, at::kFloat).to(policy.device());
    const PreferenceLoss loss =
        preference_loss(policy, wanted, preference_.beta, preference_.label_smoothing);
    const at::Tensor margins = loss.margins.to(at::kCPU, at::kDouble);
    margin_sum_ += margins.sum().item<double>();
    right_ += margins.gt(0).sum().item<double>();
    return loss.sum;
  }

  std::vector<std::string> measures() const override { return {"margin", "accuracy"}; }
  std::vector<double> take_measures() override {
    return {std::exchange(margin_sum_, 0.0), std::exchange(right_, 0.0)};
  }

 private:
  OpenedPairs pairs_;
  std::vector<float> reference_;
  PreferenceRecipe preference_;
  double margin_sum_ = 0;
  double right_ = 0;  // pairs whose chosen answer is preferred by more than the reference did
};

}  // namespace

ModelConfig trained_config(const Recipe& recipe, const ModelConfig& config) {
  ModelConfig trained = trainable_config(config);
  if (recipe.model.rope_base > 0) {
    trained.rope.base = recipe.model.rope_base;
    trained.rope_local.base = recipe.model.rope_base;
  }
  if (recipe.model.window > 0) trained.max_position = static_cast<uint32_t>(recipe.model.window);
  if (recipe.data.sequence_length > trained.max_position) {
    throw Error(
        ErrorKind::kArgument, "recipe, data.sequence_length",
        fmt::format("must be at most the model's window of {}, is {}", trained.max_position,
                    recipe.data.sequence_length),
        "model.window sets the window that is trained for, model.rope_base the rotary base that it needs");
  }
  return trained;
}

OpenedModel open_language_model(const Recipe& recipe, const std::filesystem::path& path,
                                const std::string& device) {
  OpenedModel opened;
  opened.source = load_model(path, {.need_tokenizer = true});
  opened.remarks = opened.source->remarks;
  at::manual_seed(recipe.data.seed);  // adapters begin alike in every process
  opened.lm = std::make_shared<LanguageModel>(trained_config(recipe, opened.source->config),
                                              model_options(recipe, device));
  // Opened for this alone, so that the mapped pages of the weights go again.
  const std::vector<std::string> remarks = load_weights(*opened.lm, *load_model(path));
  opened.remarks.insert(opened.remarks.end(), remarks.begin(), remarks.end());
  return opened;
}

void save_checkpoint_model(const OpenedModel& model, const Recipe& recipe,
                           const std::filesystem::path& directory) {
  if (recipe.lora.rank > 0) {
    save_adapter(*model.lm, recipe.model.path, directory);
  } else {
    save_weights(*model.lm, model.source->path, directory, {.type = save_type(recipe)});
  }
}

std::vector<std::string> export_model(const OpenedModel& model, const Recipe& recipe,
                                      const std::filesystem::path& directory) {
  AtomicDirectory atomic(directory);
  const SavedModel saved =
      save_weights(*model.lm, model.source->path, atomic.temporary(), {.type = save_type(recipe)});
  atomic.commit();
  return saved.remarks;
}

std::unique_ptr<Task> make_language_task(const OpenedModel& model, const Recipe& recipe,
                                         std::unique_ptr<data::PackSource> packs) {
  return std::make_unique<LanguageTask>(model, recipe, std::move(packs));
}

std::vector<float> reference_log_probs(const OpenedModel& model, const OpenedPairs& pairs,
                                       const ReferenceFile& file, Communicator& communicator) {
  std::vector<float> reference;
  std::array<uint64_t, 1> found = {file.exists() ? uint64_t{1} : uint64_t{0}};
  communicator.sum(std::span<uint64_t>(found));
  if (found[0] > 0) {
    together(communicator, [&] { reference = file.read(pairs.pairs->size()); });
    return reference;
  }
  const at::NoGradGuard no_grad;
  std::vector<double> sums(2 * size_t{pairs.pairs->size()}, 0);
  const auto size = static_cast<uint64_t>(communicator.size());
  for (auto index = static_cast<uint64_t>(communicator.rank()); index < pairs.packs->packs_per_epoch();
       index += size) {
    const at::Tensor log_probs = model.lm->document_log_probs(pairs.packs->pack(index)).to(at::kCPU);
    const std::vector<data::Piece> pieces = pairs.packs->pieces(index);
    for (size_t k = 0; k < pieces.size(); ++k) {
      for (size_t side = 0; side < 2; ++side) {
        sums[2 * size_t{pieces[k].document} + side] =
            log_probs[static_cast<int64_t>(2 * k + side)].item<double>();
      }
    }
  }
  communicator.sum(std::span(sums));
  reference.assign(sums.begin(), sums.end());
  together(communicator, [&] {
    if (communicator.rank() == 0) file.write(reference);
  });
  return reference;
}

std::unique_ptr<Task> make_preference_task(const OpenedModel& model, const Recipe& recipe, OpenedPairs pairs,
                                           std::vector<float> reference) {
  return std::make_unique<PreferenceTask>(model, recipe, std::move(pairs), std::move(reference));
}

}  // namespace longscroll::train
