// The stages of `longscroll extend`: what each leaves, and the program that makes it. Paths of a plan are
// OUT's; nothing here reads or writes a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/extend_settings.h"

namespace longscroll {

struct ExtendPlan {
  ExtendSettings settings;
  uint64_t old_window = 0;
  double base = 0;
  std::string program;  // this one, which evaluates
  std::string trainer;

  std::filesystem::path out() const { return settings.out; }
  std::filesystem::path trained() const;  // the run whose model is the outcome
};

// Within OUT.
inline constexpr const char* kCorpusStage = "corpus";
inline constexpr const char* kShardsStage = "shards";
inline constexpr const char* kModelStage = "model";
inline constexpr const char* kReportStage = "report";
inline constexpr const char* kSplitFile = "split.json";   // of the corpus stage
inline constexpr const char* kSuiteFile = "needle.json";  // of the corpus stage

struct ExtendStage {
  std::string name;
  std::string title;                  // for people
  std::filesystem::path product;      // there when the stage is done
  std::vector<std::string> command;   // empty: done by this program itself
  std::filesystem::path resume_with;  // when this is there, the command gets --resume
};

// In order: corpus, shards, map-before, needle-before, long-pt, long-sft, model, map-after, needle-after,
// report. Those that were not asked for are not there.
std::vector<ExtendStage> extend_stages(const ExtendPlan& plan);

// The number of those that are done, which are the first ones. Throws Error(kFile) when one is done behind
// one that is not: what it was made of is gone.
size_t stages_done(const ExtendPlan& plan, const std::vector<ExtendStage>& stages);
// A file that is written when the stage has ended well.
std::filesystem::path done_mark(const ExtendPlan& plan, const ExtendStage& stage);

// A quarter, half and all of the old window, then doublings, and the new one.
std::vector<uint64_t> perplexity_lengths(uint64_t old_window, uint64_t window);
// The same from half the old window on; the last leaves room for an answer. None is below `least`, but for
// the last.
std::vector<uint64_t> needle_lengths(uint64_t old_window, uint64_t window, uint64_t least);

// What a training stage reads: `own` with the data that it leaves out, or a whole recipe.
std::string pt_recipe_text(const ExtendPlan& plan, const std::optional<std::string>& own);
std::string sft_recipe_text(const ExtendPlan& plan, const std::optional<std::string>& own);

}  // namespace longscroll
