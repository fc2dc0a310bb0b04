// tokenizer.json (Hugging Face tokenizers) to BpeTables. Every part that would change ids must be
// understood; what is not is refused by name.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

#include "base/error.h"
#include "text/bpe.h"
#include "text/pre_tokenizers.h"

namespace longscroll {
namespace {

using Json = nlohmann::json;

class Reader {
 public:
  explicit Reader(std::string_view where) : where_(where) {}

  BpeTables read(const Json& root) {
    read_model(member(root, "model"));
    read_added_tokens(root);
    read_normalizer(optional_member(root, "normalizer"));
    read_pre_tokenizer(optional_member(root, "pre_tokenizer"));
    read_post_processor(optional_member(root, "post_processor"));
    const Json& decoder = optional_member(root, "decoder");
    if (!decoder.is_null() && type_of(decoder) != "ByteLevel") unsupported("decoder", type_of(decoder));
    return std::move(tables_);
  }

 private:
  [[noreturn]] void unsupported(std::string_view part, std::string_view found) const {
    throw Error(ErrorKind::kUnsupported, where_,
                fmt::format("the tokenizer must be a byte-level BPE, found the {} '{}'", part, found),
                "a model with a tokenizer.model file is read through SentencePiece instead");
  }
  [[noreturn]] void malformed(const std::string& what) const { throw Error(ErrorKind::kFile, where_, what); }

  const Json& member(const Json& object, const char* key) const {
    const Json& found = optional_member(object, key);
    if (found.is_null()) malformed(fmt::format("tokenizer.json must have '{}', found none", key));
    return found;
  }
  static const Json& optional_member(const Json& object, const char* key) {
    static const Json none;
    if (!object.is_object()) return none;
    const auto it = object.find(key);
    return it == object.end() ? none : *it;
  }
  std::string text(const Json& value, std::string_view what) const {
    if (!value.is_string()) malformed(fmt::format("{} must be a string, found {}", what, value.type_name()));
    return value.get<std::string>();
  }
  std::string type_of(const Json& object) const { return text(member(object, "type"), "'type'"); }
  bool flag(const Json& object, const char* key, bool absent) const {
    const Json& value = optional_member(object, key);
    if (value.is_null()) return absent;
    if (!value.is_boolean())
      malformed(fmt::format("'{}' must be true or false, found {}", key, value.type_name()));
    return value.get<bool>();
  }
  const Json& list(const Json& value, std::string_view what) const {
    if (!value.is_array()) malformed(fmt::format("{} must be a list, found {}", what, value.type_name()));
    return value;
  }

  // Ids may have gaps, but not so many that the table would dwarf the file that asks for it.
  TokenId id(const Json& value, std::string_view token, size_t named) const {
    const size_t limit = 2 * named + 65536;
    if (!value.is_number_integer() || value.get<double>() < 0 ||
        value.get<double>() >= static_cast<double>(limit)) {
      malformed(fmt::format("the id of '{}' must be 0 to {}, found {}", token, limit - 1, value.dump()));
    }
    return value.get<TokenId>();
  }
  void store(TokenId at, std::string token) {
    const size_t index = static_cast<size_t>(at);
    if (index >= tables_.tokens.size()) tables_.tokens.resize(index + 1);
    tables_.tokens[index] = std::move(token);
  }

  void read_model(const Json& model) {
    const Json& type = optional_member(model, "type");  // the first versions of the format left it out
    if (!type.is_null() && type != "BPE") unsupported("model", text(type, "'type'"));
    for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      const Json& value = optional_member(model, affix);
      if (!value.is_null() && value != "") unsupported(affix, value.dump());
    }
    if (flag(model, "byte_fallback", false)) unsupported("model", "BPE with byte_fallback");
    const Json& dropout = optional_member(model, "dropout");
    if (!dropout.is_null() && dropout != 0.0) unsupported("dropout", dropout.dump());
    tables_.ignore_merges = flag(model, "ignore_merges", false);
    const Json& vocab = member(model, "vocab");
    if (!vocab.is_object()) malformed(fmt::format("'vocab' must be an object, found {}", vocab.type_name()));
    for (const auto& [token, value] : vocab.items()) store(id(value, token, vocab.size()), token);
    for (const Json& merge : list(member(model, "merges"), "'merges'")) read_merge(merge);
  }

  void read_merge(const Json& merge) {
    if (merge.is_array()) {
      if (merge.size() != 2) malformed(fmt::format("a merge must have two parts, found {}", merge.size()));
      tables_.merges.push_back(text(merge[0], "a merge's part") + " " + text(merge[1], "a merge's part"));
    } else {
      tables_.merges.push_back(text(merge, "a merge"));
    }
  }

  void read_added_tokens(const Json& root) {
    const Json& added = optional_member(root, "added_tokens");
    if (added.is_null()) return;
    const size_t named = tables_.tokens.size() + list(added, "'added_tokens'").size();
    for (const Json& entry : added) {
      AddedToken token;
      token.content = text(member(entry, "content"), "an added token's content");
      token.id = id(member(entry, "id"), token.content, named);
      token.special = flag(entry, "special", false);
      token.lstrip = flag(entry, "lstrip", false);
      token.rstrip = flag(entry, "rstrip", false);
      token.normalized = flag(entry, "normalized", !token.special);
      token.single_word = flag(entry, "single_word", false);
      store(token.id, token.content);
      tables_.added.push_back(std::move(token));
    }
  }

  void read_normalizer(const Json& normalizer) {
    if (normalizer.is_null()) return;
    const std::string type = type_of(normalizer);
    if (type == "NFC") {
      tables_.nfc = true;
    } else if (type == "Sequence") {
      for (const Json& step : list(member(normalizer, "normalizers"), "'normalizers'")) read_normalizer(step);
    } else {
      unsupported("normalizer", type);
    }
  }

  void read_pre_tokenizer(const Json& step) {
    if (seen_byte_level_) unsupported("pre-tokenizer step after", "ByteLevel");
    const std::string type = step.is_null() ? "none" : type_of(step);
    if (type == "Sequence") {
      const Json& steps = list(member(step, "pretokenizers"), "'pretokenizers'");
      for (const Json& inner : steps) read_pre_tokenizer(inner);
      if (!seen_byte_level_) unsupported("pre-tokenizer sequence", "without ByteLevel");
    } else if (type == "ByteLevel") {
      seen_byte_level_ = true;
      tables_.add_prefix_space = flag(step, "add_prefix_space", true);
      if (tables_.add_prefix_space && !tables_.split_patterns.empty()) {
        unsupported("pre-tokenizer", "ByteLevel with add_prefix_space after another step");
      }
      if (flag(step, "use_regex", true)) tables_.split_patterns.emplace_back(kByteLevelPattern);
    } else if (type == "Digits") {
      const bool single = flag(step, "individual_digits", false);
      tables_.split_patterns.emplace_back(single ? kSingleDigitPattern : kDigitRunPattern);
    } else if (type == "Split") {
      read_split(step);
    } else {
      unsupported("pre-tokenizer", type);
    }
  }

  void read_split(const Json& step) {
    const std::string behavior = text(member(step, "behavior"), "'behavior'");
    if (behavior != "Isolated") unsupported("Split behavior", behavior);
    if (flag(step, "invert", false)) unsupported("Split", "invert");
    const Json& pattern = member(step, "pattern");
    const Json& regex = optional_member(pattern, "Regex");
    if (regex.is_null()) unsupported("Split pattern", pattern.dump());
    tables_.split_patterns.push_back(text(regex, "'Regex'"));
  }

  void read_post_processor(const Json& processor) {
    if (processor.is_null()) return;
    const std::string type = type_of(processor);
    if (type == "ByteLevel") return;  // changes offsets only
    if (type == "Sequence") {
      for (const Json& step : list(member(processor, "processors"), "'processors'"))
        read_post_processor(step);
    } else if (type == "TemplateProcessing") {
      read_template(processor);
    } else {
      unsupported("post-processor", type);
    }
  }

  // At most one special token before the sequence and one behind it.
  void read_template(const Json& processor) {
    bool seen_sequence = false;
    for (const Json& item : list(member(processor, "single"), "'single'")) {
      const Json& special = optional_member(item, "SpecialToken");
      if (special.is_null()) {
        if (seen_sequence) unsupported("post-processor", "TemplateProcessing with two sequences");
        seen_sequence = true;
        continue;
      }
      const std::string name = text(member(special, "id"), "a template token's id");
      const Json& entry = member(member(processor, "special_tokens"), name.c_str());
      const Json& ids = list(member(entry, "ids"), "a template token's ids");
      bool& add = seen_sequence ? tables_.add_eos : tables_.add_bos;
      if (ids.size() != 1 || add)
        unsupported("post-processor", "TemplateProcessing with several tokens on a side");
      add = true;
      (seen_sequence ? tables_.eos : tables_.bos) = id(ids[0], name, tables_.tokens.size());
    }
    if (!seen_sequence) unsupported("post-processor", "TemplateProcessing without a sequence");
  }

  std::string where_;
  BpeTables tables_;
  bool seen_byte_level_ = false;
};

}  // namespace

BpeTables bpe_tables_from_tokenizer_json(std::string_view json, std::string_view where) {
  const Json root = Json::parse(json, nullptr, false);
  if (!root.is_object()) {
    throw Error(ErrorKind::kFile, std::string(where),
                "tokenizer.json must be a JSON object, found something else");
  }
  return Reader(where).read(root);
}

}  // namespace longscroll
