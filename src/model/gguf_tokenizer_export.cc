// tokenizer.* of GGUF, from the tables that a tokenizer is made of.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "model/gguf_export.h"
#include "text/pre_tokenizers.h"

namespace longscroll {
namespace {

constexpr double kUnusedScore = -1000.0;
constexpr std::string_view kSpaceSymbol = "\u2581";

// One a row of the embedding: llama.cpp takes the vocabulary's size from their number.
struct TokenList {
  std::vector<std::string> tokens;
  std::vector<int64_t> types;
  std::vector<double> scores;

  explicit TokenList(size_t count) {
    for (size_t i = 0; i < count; ++i) tokens.push_back(fmt::format("[PAD{}]", i));
    types.assign(count, kSpmUnused);
    scores.assign(count, kUnusedScore);
  }

  void set(size_t id, std::string token, int64_t type, double score = 0.0) {
    tokens.at(id) = std::move(token);
    types.at(id) = type;
    scores.at(id) = score;
  }
};

std::string with_plain_spaces(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const bool symbol = text.starts_with(kSpaceSymbol);
    plain += symbol ? ' ' : text.front();
    text.remove_prefix(symbol ? kSpaceSymbol.size() : 1);
  }
  return plain;
}

void put_tokens(GgufMetadata& metadata, TokenList list, bool scores) {
  metadata["tokenizer.ggml.tokens"] = std::move(list.tokens);
  metadata["tokenizer.ggml.token_type"] = std::move(list.types);
  if (scores) metadata["tokenizer.ggml.scores"] = std::move(list.scores);
}

void remark_on_added(const std::vector<AddedToken>& added, Remarks& remarks) {
  const auto strips = [](const AddedToken& token) { return token.lstrip || token.rstrip; };
  const auto count = std::count_if(added.begin(), added.end(), strips);
  if (count > 0) {
    remarks.push_back(fmt::format(
        "{} added tokens no longer take white space beside them along: GGUF has no word for it", count));
  }
}

void put_bpe(const BpeTables& tables, std::string_view pre, size_t vocab_size, GgufMetadata& metadata,
             Remarks& remarks) {
  TokenList list(vocab_size);
  for (size_t i = 0; i < tables.tokens.size(); ++i) {
    if (!tables.tokens[i].empty()) list.set(i, tables.tokens[i], kSpmNormal);
  }
  for (const AddedToken& token : tables.added) {
    list.set(static_cast<size_t>(token.id), token.content, token.special ? kSpmControl : kSpmUserDefined);
  }
  put_tokens(metadata, std::move(list), false);
  metadata["tokenizer.ggml.model"] = std::string("gpt2");
  metadata["tokenizer.ggml.pre"] = std::string(pre);
  metadata["tokenizer.ggml.merges"] = tables.merges;
  metadata["tokenizer.ggml.add_bos_token"] = tables.add_bos;
  metadata["tokenizer.ggml.add_eos_token"] = tables.add_eos;
  remark_on_added(tables.added, remarks);
}

void put_sentencepiece(const SentencePieceSource& source, size_t vocab_size, GgufMetadata& metadata,
                       Remarks& remarks) {
  const SpmTables& tables = source.tables;
  TokenList list(vocab_size);
  for (size_t i = 0; i < tables.tokens.size(); ++i) {
    const bool user_defined = tables.types[i] == kSpmUserDefined;
    list.set(i, user_defined ? with_plain_spaces(tables.tokens[i]) : tables.tokens[i], tables.types[i],
             tables.scores[i]);
  }
  for (const AddedToken& token : source.options.added) {
    const auto id = static_cast<size_t>(token.id);
    const int64_t type = list.types.at(id);
    if (type == kSpmUnknown || type == kSpmByte) continue;
    if (token.special) {
      list.set(id, token.content, kSpmControl, list.scores[id]);
    } else if (type == kSpmUnused) {
      list.set(id, with_plain_spaces(token.content), kSpmUserDefined, kUnusedScore);
    } else {
      list.types[id] = kSpmUserDefined;
    }
  }
  put_tokens(metadata, std::move(list), true);
  metadata["tokenizer.ggml.model"] = std::string("llama");
  metadata["tokenizer.ggml.pre"] = std::string("default");
  metadata["tokenizer.ggml.add_bos_token"] = source.options.add_bos;
  metadata["tokenizer.ggml.add_eos_token"] = source.options.add_eos;
  metadata["tokenizer.ggml.add_space_prefix"] = tables.add_space_prefix;
  metadata["tokenizer.ggml.remove_extra_whitespaces"] = tables.remove_extra_whitespaces;
  if (tables.unk >= 0) metadata["tokenizer.ggml.unknown_token_id"] = static_cast<uint64_t>(tables.unk);
  if (!tables.precompiled_charsmap.empty()) {
    std::vector<int64_t> bytes;
    for (const char c : tables.precompiled_charsmap) bytes.push_back(static_cast<uint8_t>(c));
    metadata["tokenizer.ggml.precompiled_charsmap"] = std::move(bytes);
    remarks.emplace_back(
        "the tokenizer normalises text: this program does so from the GGUF file too, llama.cpp does not");
  }
  remark_on_added(source.options.added, remarks);
}

void put_ids(const TokenizerSource& source, GgufMetadata& metadata, Remarks& remarks) {
  const auto put = [&](const char* key, std::optional<TokenId> id) {
    if (id) metadata[key] = static_cast<uint64_t>(*id);
  };
  put("tokenizer.ggml.bos_token_id", source.bos);
  put("tokenizer.ggml.padding_token_id", source.pad);
  std::vector<TokenId> ends = source.eos_ids;
  // The tokenizer's own comes first.
  if (source.eos)
    std::stable_partition(ends.begin(), ends.end(), [&](TokenId id) { return id == *source.eos; });
  constexpr std::array kKeys = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                "tokenizer.ggml.eom_token_id"};
  for (size_t i = 0; i < std::min(ends.size(), kKeys.size()); ++i) put(kKeys[i], ends[i]);
  if (ends.size() > kKeys.size()) {
    remarks.push_back(fmt::format("{} of {} ids that end a text are left out: GGUF has room for {}",
                                  ends.size() - kKeys.size(), ends.size(), kKeys.size()));
  }
}

}  // namespace

void add_gguf_tokenizer(const ConversionSource& source, GgufMetadata& metadata, Remarks& remarks) {
  if (source.gguf) return;  // its metadata has it
  const TokenizerSource& tokenizer = source.tokenizer;
  const size_t vocab_size = source.model->config.vocab_size;
  metadata["tokenizer.ggml.model"] = std::string("none");
  if (const auto* bpe = std::get_if<BpeTables>(&tokenizer.tables)) {
    const auto pre = name_of_pre_tokenizer(*bpe);
    if (pre) {
      put_bpe(*bpe, *pre, vocab_size, metadata, remarks);
    } else {
      remarks.emplace_back(
          "the tokenizer is left out: GGUF has no name that we know for the way it cuts text into words");
    }
  } else if (const auto* pieces = std::get_if<SentencePieceSource>(&tokenizer.tables)) {
    if (pieces->tables.is_bpe) {
      put_sentencepiece(*pieces, vocab_size, metadata, remarks);
    } else {
      remarks.emplace_back(
          "the tokenizer is left out: a unigram model, which llama.cpp reads for encoder models only");
    }
  } else {
    remarks.emplace_back("the model has no tokenizer: llama.cpp runs it on token ids only");
  }
  put_ids(tokenizer, metadata, remarks);
  if (tokenizer.chat_template) metadata["tokenizer.chat_template"] = *tokenizer.chat_template;
}

}  // namespace longscroll
