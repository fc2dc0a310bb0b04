// What the training loop asks of what it trains. The loop knows packs, parameters and losses; what a model
// is, only the task knows.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "data/pack.h"
#include "train/flat_parameters.h"
#include "train/plan.h"

namespace longscroll::train {

// One thread at a time, but for packs(), which is thread safe.
class Task {
 public:
  virtual ~Task() = default;

  virtual const data::PackSource& packs() const = 0;
  virtual std::vector<NamedTensor> parameters() = 0;  // that learn

  // What the batch's loss is divided by, of one pack: its targets, or its pairs.
  virtual uint64_t weight(const data::Pack& pack) const = 0;
  // Whether several packs may be given to loss_sum() as one that holds all their documents.
  virtual bool joins_packs() const { return false; }
  // Sum of the losses of pack number `index` (of the first one, where several are joined): a float32 scalar,
  // backward() once.
  virtual at::Tensor loss_sum(const data::Pack& pack, uint64_t index) = 0;

  // Further numbers of a step ("margin"), as sums of the packs since the last call; shown divided by the
  // weight.
  virtual std::vector<std::string> measures() const { return {}; }
  virtual std::vector<double> take_measures() { return {}; }

  virtual Work work(const data::Pack& pack) const = 0;

  // Sum of the log-probabilities of each document's targets, without gradients: float32 [documents].
  virtual at::Tensor document_log_probs(const data::Pack& pack) = 0;

  // A model's directory (or an adapter's) into a folder that is there and empty.
  virtual void save_model(const std::filesystem::path& directory) const = 0;
};

}  // namespace longscroll::train
