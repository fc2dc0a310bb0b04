// For this layer's tests: a tokenizer of bytes, documents out of thin air, and errors as text.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/test_errors.h"
#include "data/document_set.h"
#include "data/tokenizer_identity.h"
#include "text/bpe.h"
#include "text/byte_alphabet.h"

namespace longscroll::data::test {

using longscroll::test::error_of;

// An id for each byte, then ChatML's marks and <eos>; `merges` as in BpeTables, each of which makes a token.
inline std::shared_ptr<const Tokenizer> byte_tokenizer(const std::vector<std::string>& merges = {}) {
  BpeTables tables;
  tables.tokens.assign(byte_spellings().begin(), byte_spellings().end());
  for (const std::string& merge : merges) {
    const size_t space = merge.find(' ');
    tables.tokens.push_back(merge.substr(0, space) + merge.substr(space + 1));
  }
  tables.merges = merges;
  tables.pre = "gpt-2";
  for (const char* token : {"<|im_start|>", "<|im_end|>", "<eos>"}) {
    const auto id = static_cast<TokenId>(tables.tokens.size());
    tables.tokens.emplace_back(token);
    tables.added.push_back({.id = id, .content = token, .special = true});
    tables.eos = id;
  }
  return make_bpe_tokenizer(std::move(tables), "test");
}

// An identity without a tokenizer.
inline TokenizerIdentity identity(uint32_t vocab_size, char hash = 'a') {
  return {"bpe", vocab_size, std::string(64, hash), "test-model"};
}

// Id k of document d is 1000 · d + k, so that a pack shows where its ids come from. Documents have fewer than
// 1,000.
class CountingDocuments final : public DocumentSet {
 public:
  explicit CountingDocuments(std::vector<uint64_t> positions, bool may_split = true)
      : positions_(std::move(positions)), may_split_(may_split) {}

  uint32_t size() const override { return static_cast<uint32_t>(positions_.size()); }
  uint64_t positions(uint32_t document) const override { return positions_[document]; }
  bool may_split() const override { return may_split_; }
  void append(uint32_t document, uint64_t from, uint64_t count, Pack& pack) const override {
    TokenDocument ids;
    for (uint64_t i = from; i <= from + count; ++i)
      ids.ids.push_back(static_cast<TokenId>(1000 * document + i));
    append_positions(ids, pack);
  }
  std::string name(uint32_t document) const override { return "document " + std::to_string(document); }

 private:
  std::vector<uint64_t> positions_;
  bool may_split_;
};

inline Documents counting(std::vector<uint64_t> positions, bool may_split = true) {
  return std::make_shared<CountingDocuments>(std::move(positions), may_split);
}

// Of many documents, most short and some long, the same in every run.
inline std::vector<uint64_t> varied_positions(size_t count) {
  std::vector<uint64_t> positions;
  for (uint64_t i = 0, state = 12345; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const uint64_t draw = state >> 33;
    positions.push_back(1 + draw % (draw % 7 == 0 ? 900 : 120));
  }
  return positions;
}

}  // namespace longscroll::data::test
