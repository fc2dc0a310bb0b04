// What the commands that score a text read: its ids.
#pragma once

#include <string>
#include <vector>

#include "model/model.h"

namespace longscroll {

// The ids of a file of ids, or of a text, with remarks on the text to standard error; the first `max_tokens`
// of them (0: all). Throws Error(kArgument) when there are fewer than 2 or one is not in the vocabulary.
std::vector<TokenId> ids_of_ids_file(const std::string& path, const Model& model, size_t max_tokens);
std::vector<TokenId> ids_of_text_file(const std::string& path, const Model& model, size_t max_tokens);

}  // namespace longscroll
