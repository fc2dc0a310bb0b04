// Pairs of answers, one better than the other, for DPO (Rafailov et al., arXiv 2305.18290).
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/document_set.h"
#include "data/instructions.h"

namespace longscroll::data {

// Each is the prompt and an answer with the token that ends it; learnt is the answer alone.
struct PreferencePair {
  TokenDocument chosen;
  TokenDocument rejected;
  std::string name;  // "pairs.jsonl line 7"
};

// As a set of documents, a pair is one that is never split and lies in a pack as two side by side: the chosen
// answer with its prompt, then the rejected one with its prompt. So documents 2k and 2k + 1 of a pack of
// pairs are the pair PackedDocuments::pieces(n)[k].document; their log-probabilities are sums over the
// targets that are not kIgnored.
class PreferencePairs final : public DocumentSet {
 public:
  explicit PreferencePairs(std::vector<PreferencePair> pairs);

  const PreferencePair& pair(uint32_t number) const { return pairs_[number]; }

  uint32_t size() const override { return static_cast<uint32_t>(pairs_.size()); }
  uint64_t positions(uint32_t document) const override;
  bool may_split() const override { return false; }
  void append(uint32_t document, uint64_t from, uint64_t count, Pack& pack) const override;
  std::string name(uint32_t document) const override { return pairs_[document].name; }

 private:
  std::vector<PreferencePair> pairs_;
};

// Records of {"prompt", "chosen", "rejected"}, in .jsonl and .json files and folders of them. The prompt is a
// text, a question of the user, or a list of OpenAI's messages that ends with one; an answer is a text, or a
// list of one message of the assistant. "system" may stand beside a prompt that is a text. Throws
// Error(kFile), naming file and line: a field is missing or of another kind, an answer is empty, both answers
// are the same.
std::shared_ptr<const PreferencePairs> read_preferences(const std::vector<std::filesystem::path>& paths,
                                                        const Tokenizer& tokenizer, const ChatSettings& chat,
                                                        int threads, const ReadEvents& events = {});

}  // namespace longscroll::data
