// The step `paragraphs`: what lies in many documents, word for word, stays in the first of them alone.
#pragma once

#include <cstdint>
#include <vector>

#include "corpus/step_folder.h"
#include "formats/settings.h"

namespace longscroll::corpus {

struct ParagraphSettings {
  uint64_t min_characters = 60;  // a shorter paragraph stays wherever it is
  uint64_t documents = 3;        // in at least so many different ones; at least 2
};

// Keys are "paragraphs.documents", …. `settings` must outlive the fields.
std::vector<SettingField> fields_of(ParagraphSettings& settings);

// A paragraph is a line; two are the same when the XXH3 (64 bits) of them without white space at their ends
// is. After `dedupe`, or copies of documents decide. Memory: 64 MiB for each worker, and 8 bytes for each
// paragraph to cut in a 64th of all hashes. Throws as StepFolder and DocumentWriter do; Error(kArgument).
Json cut_repeated_paragraphs(const StepRequest& request, const ParagraphSettings& settings,
                             const data::ReadEvents& events);

}  // namespace longscroll::corpus
