// What `longscroll extend` was asked for, as its command line says it and as OUT/extend.json keeps it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "apps/common.h"

namespace longscroll {

struct ExtendSettings {
  std::string model;
  uint64_t window = 0;
  double base = 0;                  // 0: as the plan has it
  std::vector<std::string> corpus;  // files and folders
  std::string text_field = "text";
  double held_out = 0.02;       // share of the documents that is kept apart
  size_t texts = 4;             // of those, the long ones that perplexity is measured on
  uint64_t tokens = 4'194'304;  // of Long PT
  uint64_t batch_tokens = 0;    // 0: default_batch_tokens()
  double learning_rate = 2e-5;  // the peak
  std::string sft;              // instructions; empty: no Long SFT
  double sft_epochs = 1;
  double sft_learning_rate = 0;  // 0: half of the other
  std::string pt_recipe, sft_recipe;
  size_t needle_repeats = 2;  // 0: no needle
  std::string suite;          // asked instead of the needle: a name, or a file
  std::string suite_data;
  std::string out;
  int threads = 0;  // may change from call to call
};

// Packs of the window, 65,536 tokens together, or one.
uint64_t default_batch_tokens(uint64_t window);

// Every setting that the outcome depends on, by the name of its option; recipes by their text's SHA-256.
// Throws Error(kFile) when a recipe cannot be read.
Json describe_settings(const ExtendSettings& settings);

// Writes OUT/extend.json when there is none. Throws Error(kArgument) naming the first setting that differs
// from the ones that the folder was begun with, Error(kFile) when the file is not what was written.
void keep_settings(const std::filesystem::path& out, const Json& described);

}  // namespace longscroll
