// The step `mix`: so many tokens of each source and length, with every document named that was taken.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/step_folder.h"
#include "formats/settings.h"

namespace longscroll::corpus {

struct MixSource {
  std::string name;
  double weight = 0;      // its share of the tokens, among the weights
  double max_epochs = 0;  // 0: the mix's own
};

struct MixBucket {
  uint64_t from = 0;  // tokens: documents of so many and more, up to the next bucket
  double weight = 0;
};

struct MixSettings {
  uint64_t tokens = 0;  // of the whole mix, as the tokenizer counts a text without BOS and EOS
  uint64_t seed = 0;
  double max_epochs = 4;  // a document is taken so often at most (Muennighoff et al., arXiv 2305.16264)
  std::vector<MixSource> sources;  // none: all that there are, as they come
  std::vector<MixBucket> buckets;  // by rising `from`; none: all lengths, as they come
};

// Keys are "mix.tokens", …. `settings` must outlive the fields.
std::vector<SettingField> fields_of(MixSettings& settings);
std::vector<SettingList> lists_of(MixSettings& settings);

// Counts a text's tokens. Called from many threads.
using CountTokens = std::function<uint64_t(std::string_view text)>;

// A document is taken floor(rate) times, and once more when the hash of seed and id says so; its second copy
// has "#2" behind its id and the epoch in its meta. taken/NNNNNN.ndjson names the documents, and the
// manifest's "cells" say what was wanted and what was there. `tokenizer` names what counts. Throws as
// StepFolder and DocumentWriter do; Error(kArgument): no tokens wanted, a weight that is not above 0, a
// source that no document has, buckets that do not rise.
Json mix_corpus(const StepRequest& request, const MixSettings& settings, const std::string& tokenizer,
                const CountTokens& count_tokens, const data::ReadEvents& events);

}  // namespace longscroll::corpus
