// BpeTables to tokenizer.json: the steps that tokenizer_json.cc reads.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "text/bpe.h"
#include "text/pre_tokenizers.h"

namespace longscroll {
namespace {

using OrderedJson = nlohmann::ordered_json;

void check_text(std::string_view text, std::string_view where) {
  if (is_valid_utf8(text)) return;
  throw Error(ErrorKind::kFile, std::string(where),
              fmt::format("tokens and merges must be text in UTF-8, found otherwise in '{}'",
                          replace_invalid_utf8(text)));
}

// Added tokens are in the vocabulary too: the reader gives those that are not the next free ids.
OrderedJson vocabulary(const BpeTables& tables, std::string_view where) {
  OrderedJson vocab = OrderedJson::object();
  std::unordered_set<std::string_view> seen;
  for (size_t i = 0; i < tables.tokens.size(); ++i) {
    const std::string& token = tables.tokens[i];
    check_text(token, where);
    // A gap between ids has no text; of two tokens with the same text the first is the one that is made.
    // Straight into the list: looking for the key first would take quadratic time.
    if (!token.empty() && seen.insert(token).second) {
      vocab.get_ref<OrderedJson::object_t&>().emplace_back(token, i);
    }
  }
  return vocab;
}

OrderedJson merge_pairs(const BpeTables& tables, std::string_view where) {
  OrderedJson pairs = OrderedJson::array();
  for (const std::string& merge : tables.merges) {
    check_text(merge, where);
    const size_t space = merge.find(' ');
    if (space == std::string::npos) {
      throw Error(ErrorKind::kFile, std::string(where),
                  fmt::format("a merge must be two parts with a space between, found '{}'", merge));
    }
    pairs.push_back({merge.substr(0, space), merge.substr(space + 1)});
  }
  return pairs;
}

OrderedJson added_tokens(const BpeTables& tables) {
  OrderedJson tokens = OrderedJson::array();
  for (const AddedToken& token : tables.added) {
    tokens.push_back({{"id", token.id},
                      {"content", token.content},
                      {"single_word", token.single_word},
                      {"lstrip", token.lstrip},
                      {"rstrip", token.rstrip},
                      {"normalized", token.normalized},
                      {"special", token.special}});
  }
  return tokens;
}

OrderedJson byte_level(bool prefix_space, bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", prefix_space},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

OrderedJson pre_tokenizer(const BpeTables& tables) {
  OrderedJson steps = OrderedJson::array();
  bool byte_level_splits = false;
  for (size_t i = 0; i < tables.split_patterns.size(); ++i) {
    const std::string& pattern = tables.split_patterns[i];
    const bool last = i + 1 == tables.split_patterns.size();
    if (last && pattern == kByteLevelPattern) {
      byte_level_splits = true;
    } else if (pattern == kSingleDigitPattern || pattern == kDigitRunPattern) {
      steps.push_back({{"type", "Digits"}, {"individual_digits", pattern == kSingleDigitPattern}});
    } else {
      steps.push_back({{"type", "Split"},
                       {"pattern", {{"Regex", pattern}}},
                       {"behavior", "Isolated"},
                       {"invert", false}});
    }
  }
  steps.push_back(byte_level(tables.add_prefix_space, byte_level_splits));
  if (steps.size() == 1) return steps.front();
  return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}

OrderedJson post_processor(const BpeTables& tables) {
  if (!tables.add_bos && !tables.add_eos) return byte_level(true, false);
  OrderedJson single = OrderedJson::array(), pair = OrderedJson::array(), special = OrderedJson::object();
  const auto put_special = [&](TokenId id, int type_id, bool also_single) {
    const std::string& text = tables.tokens.at(static_cast<size_t>(id));
    const OrderedJson item = {{"SpecialToken", {{"id", text}, {"type_id", type_id}}}};
    if (also_single) single.push_back(item);
    pair.push_back(item);
    special[text] = {{"id", text}, {"ids", {id}}, {"tokens", {text}}};
  };
  const auto put_sequence = [&](OrderedJson& list, const char* name, int type_id) {
    list.push_back({{"Sequence", {{"id", name}, {"type_id", type_id}}}});
  };
  if (tables.add_bos) put_special(*tables.bos, 0, true);
  put_sequence(single, "A", 0);
  put_sequence(pair, "A", 0);
  if (tables.add_eos) put_special(*tables.eos, 0, true);
  if (tables.add_bos) put_special(*tables.bos, 1, false);
  put_sequence(pair, "B", 1);
  if (tables.add_eos) put_special(*tables.eos, 1, false);
  return {{"type", "TemplateProcessing"},
          {"single", std::move(single)},
          {"pair", std::move(pair)},
          {"special_tokens", std::move(special)}};
}

}  // namespace

std::string tokenizer_json_from_bpe_tables(BpeTables tables, std::string_view where) {
  if (!tables.pre.empty()) apply_named_pre_tokenizer(tables, where);
  const OrderedJson normalizer = tables.nfc ? OrderedJson{{"type", "NFC"}} : OrderedJson(nullptr);
  const OrderedJson root = {{"version", "1.0"},
                            {"truncation", nullptr},
                            {"padding", nullptr},
                            {"added_tokens", added_tokens(tables)},
                            {"normalizer", normalizer},
                            {"pre_tokenizer", pre_tokenizer(tables)},
                            {"post_processor", post_processor(tables)},
                            {"decoder", byte_level(true, true)},
                            {"model",
                             {{"type", "BPE"},
                              {"dropout", nullptr},
                              {"unk_token", nullptr},
                              {"continuing_subword_prefix", nullptr},
                              {"end_of_word_suffix", nullptr},
                              {"fuse_unk", false},
                              {"byte_fallback", false},
                              {"ignore_merges", tables.ignore_merges},
                              {"vocab", vocabulary(tables, where)},
                              {"merges", merge_pairs(tables, where)}}}};
  return root.dump(1) + "\n";
}

}  // namespace longscroll
