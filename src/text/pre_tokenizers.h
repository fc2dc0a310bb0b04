// The pre-tokenizers that GGUF files name instead of describing.
#pragma once

#include <optional>
#include <string_view>

#include "text/bpe.h"

namespace longscroll {

// Splits of tokenizer.json's ByteLevel (use_regex) and Digits steps.
extern const std::string_view kByteLevelPattern;
extern const std::string_view kSingleDigitPattern;
extern const std::string_view kDigitRunPattern;

// Sets what `tables.pre` stands for; throws Error(kUnsupported), listing the known names.
void apply_named_pre_tokenizer(BpeTables& tables, std::string_view where);

// The name that stands for exactly these splits; nullopt when none does.
std::optional<std::string_view> name_of_pre_tokenizer(const BpeTables& tables);

}  // namespace longscroll
