#include "apps/text_ids.h"

#include <fmt/format.h>

#include "apps/common.h"
#include "base/error.h"
#include "library/document.h"

namespace longscroll {
namespace {

std::vector<TokenId> first_of(std::vector<TokenId> ids, size_t max_tokens, const std::string& path) {
  if (max_tokens > 0 && ids.size() > max_tokens) ids.resize(max_tokens);
  if (ids.size() < 2) {
    throw Error(ErrorKind::kArgument, path, fmt::format("must be at least 2 tokens, found {}", ids.size()));
  }
  return ids;
}

}  // namespace

std::vector<TokenId> ids_of_ids_file(const std::string& path, const Model& model, size_t max_tokens) {
  std::vector<TokenId> ids = read_ids(path);
  check_ids(ids, model, path);
  return first_of(std::move(ids), max_tokens, path);
}

std::vector<TokenId> ids_of_text_file(const std::string& path, const Model& model, size_t max_tokens) {
  const Document document = read_document(path);
  write_remarks(document.remarks);
  return first_of(model.tokenizer->encode(document.text), max_tokens, path);
}

}  // namespace longscroll
