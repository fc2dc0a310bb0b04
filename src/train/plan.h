// What a recipe will need before it starts: peak memory of a process, and time. No tensors.
//
// Letters: T positions of a pack, D hidden, Q = query heads · head size, K = KV heads · head size, F ffn
// width, V vocabulary, L layers, N query heads.
//
// Operations are counted as multiplications and additions, two for each product of a matrix's element:
//   a matrix of P elements     2 P a token forward, 4 P backward
//   attention of a document    2 Q l² a layer forward (causal: half of l² scores, each scored and summed),
//   twice
//                              that backward by the usual count; flash kernels compute scores again: 5 Q l²
// Source of the usual count: Megatron-LM (arXiv 2104.04473), appendix.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/pack.h"
#include "model/config.h"
#include "train/model_options.h"
#include "train/recipe.h"

namespace longscroll::train {

// Documents of packs, as far as attention's cost goes.
struct PackShape {
  double tokens = 0;   // positions of a pack that are computed
  double squared = 0;  // sum of the squared lengths of its documents
  double longest = 0;  // positions of the longest document
  double documents = 0;
};

PackShape one_document(uint64_t length);     // the dearest pack there is
PackShape shape_of(const data::Pack& pack);  // padding is no document
// The mean of packs [0, count); the longest of all.
PackShape mean_shape(const data::PackSource& source, uint64_t count);

struct Machine {
  std::string name;
  bool cuda = false;
  uint64_t processes = 1;
  double memory_bytes = 0;    // that a process may use
  double matmul_rate = 0;     // operations a second of one process, as the maker says or as measured
  double expected_share = 0;  // of matmul_rate that a training step is expected to reach
  double link_rate = 0;       // bytes a second between processes; 0: nothing to send
};

// "h100x8", "a100x64", "h200": makers' dense bf16 rates, and shares and links as plan.cc says. Throws
// Error(kArgument), listing the names, for another.
Machine known_machine(const std::string& name);

struct MemoryItem {
  std::string name;
  double bytes = 0;
};

struct Work {
  double usual = 0;     // operations of a step by the usual count: what "share of the peak" is measured by
  double computed = 0;  // with what is computed twice to save memory
};

struct Forecast {
  std::vector<MemoryItem> memory;  // at the peak, of one process
  double peak_bytes = 0;           // their sum
  double parameters = 0;           // all
  double trained = 0;              // of these
  Work step;                       // over all processes
  uint64_t steps = 0;
  double step_seconds = 0;
  double run_seconds = 0;
  double tokens_per_second = 0;  // over all processes
  double checkpoint_bytes = 0;   // of one checkpoint on disk
};

// Options of the model as the recipe has them, for a device.
ModelOptions model_options(const Recipe& recipe, const std::string& device);

// Operations for one pack.
Work pack_work(const ModelConfig& config, const ModelOptions& options, const PackShape& shape);

Forecast forecast(const Recipe& recipe, const ModelConfig& config, const Machine& machine,
                  const PackShape& shape, uint64_t steps);

// Throws Error(kResource) when it does not fit, with the first of the settings that would make it fit:
// model.checkpointing, model.keep_attention, model.loss_chunk, more processes, LoRA, a shorter sequence.
void require_fit(const Recipe& recipe, const ModelConfig& config, const Machine& machine,
                 const PackShape& shape);

}  // namespace longscroll::train
