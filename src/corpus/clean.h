// The step `clean`: repairs documents, takes out what is not their text, and drops what is none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "corpus/boilerplate.h"
#include "corpus/gopher_rules.h"
#include "corpus/mask.h"
#include "corpus/shard_map.h"
#include "formats/settings.h"

namespace longscroll::corpus {

struct CleanSettings {
  double max_replaced = 0.001;  // share of U+FFFD and its like among the characters; 0: any
  BoilerplateSettings boilerplate;
  std::vector<std::string> languages;  // CLD2's codes that stay; empty: all
  double min_language_share = 0.5;     // of the bytes, when languages are named
  double max_digits = 0.25;            // of the characters that are no white space; 0: any
  double max_symbols = 0.35;           // neither letter, digit, mark nor white space
  GopherSettings gopher;
  MaskSettings mask;
};

// Keys are "clean.max_digits", … (docs/formats/plan.md). `settings` must outlive the fields.
std::vector<SettingField> fields_of(CleanSettings& settings);

// In this order: mojibake, control characters, NFC, `broken-encoding`, boilerplate, `language` (put into the
// document's meta), `digits`, `symbols`, Gopher's rules, masking. Of code (meta.kind) only the first four and
// masking. Throws as StepFolder and DocumentWriter do.
Json clean_corpus(const StepRequest& request, const CleanSettings& settings, const data::ReadEvents& events);

}  // namespace longscroll::corpus
