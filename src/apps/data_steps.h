// What the commands of the corpus chain share.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "apps/common.h"
#include "console/progress.h"
#include "corpus/mix.h"
#include "data/instructions.h"

namespace longscroll {

// Progress of a step: each of its phases begins the line anew. Not copied; `events()` points into it.
class StepProgress {
 public:
  explicit StepProgress(std::string label) : label_(std::move(label)) {}
  data::ReadEvents events();
  void finish() { bar_.reset(); }

 private:
  std::string label_;
  std::optional<ProgressBar> bar_;
  uint64_t last_ = 0;
};

// Opens the model's tokenizer at the first text that is counted, so that a step which is done needs none.
corpus::CountTokens lazy_counter(const std::string& model);

// A step's manifest for people: what came in, went out and was dropped, and what was faulty.
std::string manifest_as_text(const Json& manifest);

}  // namespace longscroll
