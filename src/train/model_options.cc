#include "train/model_options.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace longscroll::train {
namespace {

constexpr std::array<std::string_view, 7> kProjections = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                                          "gate_proj", "up_proj", "down_proj"};
constexpr std::array<std::string_view, 4> kTrainable = {"index", "llama", "qwen2", "qwen3"};

[[noreturn]] void refuse(const char* field, const std::string& what) {
  throw Error(ErrorKind::kArgument, field, what);
}

void validate_lora(const LoraOptions& lora) {
  if (lora.rank == 0) return;
  if (!std::isfinite(lora.alpha) || lora.alpha <= 0.0)
    refuse("lora.alpha", fmt::format("must be a positive number, is {}", lora.alpha));
  if (lora.targets.empty()) refuse("lora.targets", "must name a projection, is empty");
  for (const std::string& target : lora.targets) {
    if (std::ranges::find(kProjections, target) == kProjections.end()) {
      refuse("lora.targets", fmt::format("must be of {}, holds {}", fmt::join(kProjections, ", "), target));
    }
  }
}

}  // namespace

void validate(const ModelOptions& options) {
  if (options.loss_chunk == 0) refuse("loss_chunk", "must be at least 1 token, is 0");
  if (options.ffn_chunk == 0) refuse("ffn_chunk", "must be at least 1 token, is 0");
  validate_lora(options.lora);
}

ModelConfig trainable_config(ModelConfig config) {
  if (std::ranges::find(kTrainable, config.architecture) == kTrainable.end()) {
    throw Error(
        ErrorKind::kUnsupported, config.architecture,
        fmt::format("the architecture must be one that is trained here: {}", fmt::join(kTrainable, ", ")));
  }
  config.rope_layout = RopeLayout::kHalfSplit;
  return config;
}

}  // namespace longscroll::train
