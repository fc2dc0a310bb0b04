// The step `decontaminate`: documents that hold what a model is going to be tested on are dropped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "corpus/match_tokens.h"
#include "corpus/step_folder.h"
#include "formats/settings.h"

namespace longscroll::corpus {

struct DecontaminateSettings {
  std::vector<std::string> against;  // files and folders: .jsonl, .json, .txt, .md, also .gz, .zst
  uint64_t words = 13;               // so many tokens in a row (GPT-3, arXiv 2005.14165, appendix C)
  uint64_t characters = 30;          // so many where at least half are Han or kana
};

// Keys are "decontaminate.against", …. `settings` must outlive the fields.
std::vector<SettingField> fields_of(DecontaminateSettings& settings);

// The runs of tokens of evaluation sets, by hash: 16 to 32 bytes each. Immutable once built; then safe to
// share between threads.
class Contamination {
 public:
  struct Match {
    bool found = false;
    std::string set;   // its file
    std::string text;  // of the document: the run that was found
  };

  // Every text in every record of the files, at any depth. Throws Error(kFile) as the readers do, and when
  // there is no run at all.
  explicit Contamination(const DecontaminateSettings& settings);

  // The first run of the document that a set has. `tokens` is scratch.
  Match find(std::string_view text, MatchTokens& tokens) const;

  uint64_t runs() const { return count_; }
  uint64_t texts() const { return texts_; }
  uint64_t too_short() const { return too_short_; }  // texts without a run: they are not looked for

 private:
  struct Entry {
    uint64_t hash = 0;  // 0: free
    uint32_t set = 0;
  };

  void add_text(std::string_view text, uint32_t set, MatchTokens& tokens);
  void add_file(const std::filesystem::path& path, uint32_t set, MatchTokens& tokens);
  void insert(uint64_t hash, uint32_t set);
  const Entry* find_hash(uint64_t hash) const;

  uint64_t words_;
  uint64_t characters_;
  std::vector<std::string> sets_;
  std::vector<Entry> table_;
  uint64_t count_ = 0;
  uint64_t texts_ = 0;
  uint64_t too_short_ = 0;
};

// Dropped documents are listed in the folder's listed/NNNNNN.json, each with id, source, set and run. Throws
// as StepFolder, DocumentWriter and Contamination do.
Json decontaminate_corpus(const StepRequest& request, const DecontaminateSettings& settings,
                          const data::ReadEvents& events);

}  // namespace longscroll::corpus
