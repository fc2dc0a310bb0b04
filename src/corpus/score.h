// The step `score`: how much of a long document's length is real.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/step_folder.h"
#include "formats/settings.h"

namespace longscroll::corpus {

struct ScoreSettings {
  std::string model;            // the small model that reads; `score` does not open it itself
  uint64_t near_tokens = 2048;  // context that counts as near
  uint64_t max_tokens = 16384;  // of a document that are read
  bool drop = false;            // documents whose far context is worth less than `min_gain`
  double min_gain = 0;          // nats a token
};

// Keys are "score.near_tokens", …. `settings` must outlive the fields.
std::vector<SettingField> fields_of(ScoreSettings& settings);

// The mean loss of the same tokens, in nats a token, with near context alone and with all that is before
// them.
struct FarContext {
  double near = 0;
  double far = 0;
  uint64_t targets = 0;

  double gain() const { return near - far; }
};

// Reads a text; nullopt: too short for any token to have far context. Called by one thread at a time.
using ScoreText = std::function<std::optional<FarContext>(std::string_view text)>;

// What costs no model: low where a text repeats itself.
double compressed_share(std::string_view text);  // bytes that Zstandard (level 3) leaves of one
double repeated_share(std::string_view text);    // of the runs of 13 tokens, those that came before

// Spearman's: of ranks, equal values share theirs. 0 of fewer than 2 pairs, or when all are equal. `a` and
// `b` are as long.
double rank_correlation(std::span<const double> a, std::span<const double> b);

// Puts "far_context" (the gain), "compressed" and "repeated" into the meta of documents that are long enough;
// of the rest the last two. The manifest says how many were read, and how the two go with the gain. Tasks run
// one at a time in a process: the model has the cores. Throws as StepFolder, DocumentWriter and `score_text`.
Json score_corpus(const StepRequest& request, const ScoreSettings& settings, const ScoreText& score_text,
                  const data::ReadEvents& events);

}  // namespace longscroll::corpus
