// The step `dedupe`: of documents that are the same, or nearly, one stays (docs/corpus.md).
#pragma once

#include <cstdint>
#include <vector>

#include "corpus/step_folder.h"
#include "formats/settings.h"

namespace longscroll::corpus {

struct DedupeSettings {
  bool near = true;        // false: only what is the same
  double threshold = 0.8;  // Jaccard similarity of the shingles, from which on documents are one
  uint64_t shingle = 5;    // tokens: words, of Chinese and Japanese characters
};

// Keys are "dedupe.threshold", …. `settings` must outlive the fields.
std::vector<SettingField> fields_of(DedupeSettings& settings);

// Documents are the same ("exact") when the XXH3 (96 bits) of their texts is, white space joined; they are
// near ("near") by MinHash. Memory: 64 MiB for each worker and run, and 8 bytes a document in the one task
// that joins. Throws as StepFolder and DocumentWriter do; Error(kArgument) as choose_shape().
Json dedupe_corpus(const StepRequest& request, const DedupeSettings& settings,
                   const data::ReadEvents& events);

}  // namespace longscroll::corpus
