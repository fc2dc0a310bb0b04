// The four ways to make items: one file each. Internal to this layer. `index` is of spec.tasks.
#pragma once

#include <string>
#include <vector>

#include "suites/data_files.h"
#include "suites/suite_spec.h"

namespace longscroll {

// What one call of load_suite collects.
struct Loading {
  const SuiteSpec& spec;
  const SuiteOptions& options;
  DataFolder folder;
  LoadedSuite& suite;

  void remark(std::string text) { suite.remarks.push_back(std::move(text)); }
  // Says so when the whole of a task is not as large as the official one.
  void compare_count(size_t task, size_t found, const std::string& file);
};

void build_fill_items(Loading& loading, size_t index);
void build_choice_items(Loading& loading, size_t index);
void build_needle_items(Loading& loading, size_t index);
void build_text_items(Loading& loading, size_t index);

// The tokenizer that counts. Throws Error(kArgument) when there is none.
const Tokenizer& length_tokenizer(const Loading& loading);
// As they are, without BOS, EOS or special tokens found in the text.
std::vector<TokenId> document_ids(const Tokenizer& tokenizer, std::string_view text);

}  // namespace longscroll
