#include "model/tokenizer_loader.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "model/json_fields.h"
#include "text/bpe.h"
#include "text/sentencepiece_model.h"
#include "text/sentencepiece_tokenizer.h"

namespace longscroll {
namespace {

constexpr const char* kTokens = "tokenizer.ggml.tokens";
constexpr const char* kTokenTypes = "tokenizer.ggml.token_type";
constexpr const char* kImEnd = "<|im_end|>";

void add_eos(TokenizerFiles& files, int64_t id) {
  const auto token = static_cast<TokenId>(id);
  if (std::find(files.eos_ids.begin(), files.eos_ids.end(), token) == files.eos_ids.end()) {
    files.eos_ids.push_back(token);
  }
}

// ChatML's answers end with <|im_end|>, also where the files name only the end of a document.
void add_chat_end(TokenizerFiles& files) {
  const auto& jinja = files.chat_metadata.jinja;
  if (!files.tokenizer || !jinja || jinja->find(kImEnd) == std::string::npos) return;
  if (const auto id = files.tokenizer->find_token(kImEnd)) add_eos(files, *id);
}

class GgufTokenizer {
 public:
  GgufTokenizer(const GgufFile& file, uint32_t vocab_size)
      : file_(file), where_(file.path().string()), vocab_size_(vocab_size) {}

  std::shared_ptr<const Tokenizer> make() const {
    const auto kind = file_.get_string("tokenizer.ggml.model");
    if (!kind || *kind == "none" || *kind == "no_vocab") return nullptr;
    if (*kind == "gpt2") return make_bpe();
    if (*kind == "llama") return make_sentencepiece();
    throw Error(ErrorKind::kUnsupported, where_,
                fmt::format("tokenizer.ggml.model: must be gpt2 or llama, is {}", *kind));
  }

  std::optional<TokenId> id(const char* key) const {
    const auto value = file_.get_uint(key);
    if (!value) return std::nullopt;
    if (*value >= vocab_size_)
      fail(key, fmt::format("must be below the vocabulary's {}, is {}", vocab_size_, *value));
    return static_cast<TokenId>(*value);
  }

 private:
  const std::vector<std::string>& strings(const char* key) const {
    const auto* values = file_.get_strings(key);
    if (values == nullptr) fail(key, "must be given, is missing");
    return *values;
  }

  // One a token; empty when the file has none.
  std::vector<int64_t> token_types(size_t count) const {
    auto types = file_.get_ints(kTokenTypes).value_or(std::vector<int64_t>{});
    if (!types.empty() && types.size() != count) {
      fail(kTokenTypes, fmt::format("must hold one for each of {} tokens, holds {}", count, types.size()));
    }
    return types;
  }

  std::shared_ptr<const Tokenizer> make_bpe() const {
    BpeTables tables;
    tables.tokens = strings(kTokens);
    tables.merges = strings("tokenizer.ggml.merges");
    const auto types = token_types(tables.tokens.size());
    for (size_t i = 0; i < types.size(); ++i) {
      if (types[i] != kSpmControl && types[i] != kSpmUserDefined) continue;
      AddedToken token;
      token.id = static_cast<TokenId>(i);
      token.content = tables.tokens[i];
      token.special = types[i] == kSpmControl;
      tables.added.push_back(std::move(token));
    }
    const auto pre = file_.get_string("tokenizer.ggml.pre");
    if (!pre) fail("tokenizer.ggml.pre", "must be given: how text is cut into words is not to be guessed");
    tables.pre = *pre;
    tables.bos = id("tokenizer.ggml.bos_token_id");
    tables.eos = id("tokenizer.ggml.eos_token_id");
    // Llama 3's files leave the flag out, and its models were trained with BOS.
    tables.add_bos = file_.get_bool("tokenizer.ggml.add_bos_token").value_or(tables.pre == "llama-bpe");
    tables.add_eos = file_.get_bool("tokenizer.ggml.add_eos_token").value_or(false);
    return make_bpe_tokenizer(std::move(tables), where_);
  }

  std::shared_ptr<const Tokenizer> make_sentencepiece() const {
    SpmTables tables;
    tables.tokens = strings(kTokens);
    for (double score : file_.get_floats("tokenizer.ggml.scores").value_or(std::vector<double>{})) {
      tables.scores.push_back(static_cast<float>(score));
    }
    for (int64_t type : token_types(tables.tokens.size())) {
      if (type < kSpmNormal || type > kSpmByte) {
        fail(kTokenTypes, fmt::format("must be {} to {}, holds {}", static_cast<int>(kSpmNormal),
                                      static_cast<int>(kSpmByte), type));
      }
      tables.types.push_back(static_cast<int32_t>(type));
    }
    tables.add_space_prefix = file_.get_bool("tokenizer.ggml.add_space_prefix").value_or(true);
    tables.remove_extra_whitespaces =
        file_.get_bool("tokenizer.ggml.remove_extra_whitespaces").value_or(false);
    for (int64_t byte :
         file_.get_ints("tokenizer.ggml.precompiled_charsmap").value_or(std::vector<int64_t>{})) {
      tables.precompiled_charsmap.push_back(static_cast<char>(byte));
    }
    tables.unk = id("tokenizer.ggml.unknown_token_id").value_or(-1);
    tables.pad = id("tokenizer.ggml.padding_token_id").value_or(-1);
    SentencePieceOptions options;
    options.bos = id("tokenizer.ggml.bos_token_id");
    options.eos = id("tokenizer.ggml.eos_token_id");
    tables.bos = options.bos.value_or(-1);
    tables.eos = options.eos.value_or(-1);
    options.add_bos = file_.get_bool("tokenizer.ggml.add_bos_token").value_or(options.bos.has_value());
    options.add_eos = file_.get_bool("tokenizer.ggml.add_eos_token").value_or(false);
    return make_sentencepiece_tokenizer(sentencepiece_proto_from_tables(tables, where_), std::move(options),
                                        where_);
  }

  [[noreturn]] void fail(const char* key, const std::string& what) const {
    throw Error(ErrorKind::kFile, where_, fmt::format("{}: {}", key, what));
  }

  const GgufFile& file_;
  std::string where_;
  uint32_t vocab_size_;
};

// What tokenizer_config.json and its neighbours say; every file may be missing.
class HfFiles {
 public:
  explicit HfFiles(const std::filesystem::path& directory) : directory_(directory) {
    config_ = read_if_there("tokenizer_config.json");
    generation_ = read_if_there("generation_config.json");
    model_ = read_if_there("config.json");
  }

  std::filesystem::path path(const char* name) const { return directory_ / name; }
  bool has(const char* name) const { return std::filesystem::is_regular_file(path(name)); }
  JsonFields config() const { return {config_, path("tokenizer_config.json").string()}; }
  JsonFields generation() const { return {generation_, path("generation_config.json").string()}; }
  JsonFields model() const { return {model_, path("config.json").string()}; }

  // Tokens beside the vocabulary, or pieces of it that are markup.
  std::vector<AddedToken> added_tokens() const {
    std::vector<AddedToken> tokens;
    const auto decoder = config().get_object("added_tokens_decoder");
    if (!decoder) return tokens;
    for (const auto& [number, entry] : config().find("added_tokens_decoder")->items()) {
      if (!entry.is_object()) decoder->fail(number.c_str(), "must be an object");
      const JsonFields fields(entry, decoder->where());
      AddedToken token;
      token.id = token_id(number, *decoder);
      token.content = fields.get_string("content").value_or("");
      token.special = fields.get_bool("special").value_or(false);
      token.lstrip = fields.get_bool("lstrip").value_or(false);
      token.rstrip = fields.get_bool("rstrip").value_or(false);
      token.normalized = fields.get_bool("normalized").value_or(!token.special);
      token.single_word = fields.get_bool("single_word").value_or(false);
      tokens.push_back(std::move(token));
    }
    return tokens;
  }

  // "eos_token" is a string, or an added token with its "content".
  std::optional<std::string> special_token(const char* key) const {
    const auto* value = config().find(key);
    if (value == nullptr) return std::nullopt;
    return value->is_object() ? config().get_object(key)->get_string("content") : config().get_string(key);
  }

  std::optional<std::string> chat_template() const {
    if (has("chat_template.jinja")) return read_text_file(path("chat_template.jinja"));
    const auto* value = config().find("chat_template");
    if (value == nullptr || !value->is_array()) return config().get_string("chat_template");
    for (const auto& entry : *value) {
      if (!entry.is_object()) config().fail("chat_template", "must be a string or a list of named templates");
      const JsonFields named(entry, config().where() + ": chat_template");
      if (named.get_string("name") == "default") return named.get_string("template");
    }
    return std::nullopt;
  }

 private:
  static TokenId token_id(const std::string& number, const JsonFields& fields) {
    TokenId id = 0;
    const char* end = number.data() + number.size();
    const auto parsed = std::from_chars(number.data(), end, id);
    if (parsed.ec != std::errc() || parsed.ptr != end || id < 0) {
      fields.fail(number.c_str(), "must be the id of a token");
    }
    return id;
  }

  nlohmann::json read_if_there(const char* name) const {
    return has(name) ? read_json_object(path(name)) : nlohmann::json::object();
  }

  std::filesystem::path directory_;
  nlohmann::json config_, generation_, model_;
};

std::shared_ptr<const Tokenizer> make_hf_bpe(const HfFiles& files) {
  const auto path = files.path("tokenizer.json");
  BpeTables tables = bpe_tables_from_tokenizer_json(read_text_file(path), path.string());
  const auto find = [&](const std::optional<std::string>& text) -> std::optional<TokenId> {
    if (!text) return std::nullopt;
    const auto found = std::find(tables.tokens.begin(), tables.tokens.end(), *text);
    if (found == tables.tokens.end()) return std::nullopt;
    return static_cast<TokenId>(found - tables.tokens.begin());
  };
  if (const auto eos = find(files.special_token("eos_token"))) tables.eos = eos;
  if (const auto bos = find(files.special_token("bos_token"))) tables.bos = bos;
  return make_bpe_tokenizer(std::move(tables), path.string());
}

std::shared_ptr<const Tokenizer> make_hf_sentencepiece(const HfFiles& files,
                                                       std::vector<std::string>& remarks) {
  const auto path = files.path("tokenizer.model");
  std::string proto = read_text_file(path);
  const SpmTables tables = spm_tables_from_proto(proto, path.string());
  // Gemma's reference is not the library but a BPE over its tables, which differs in runs of spaces.
  const bool gemma = files.config().get_string("tokenizer_class").value_or("").starts_with("Gemma");
  if (gemma) proto = sentencepiece_proto_from_tables(tables, path.string());

  SentencePieceOptions options;
  options.added = files.added_tokens();
  const auto find = [&](const char* key, int32_t in_model) -> std::optional<TokenId> {
    const auto text = files.special_token(key);
    for (const AddedToken& token : options.added) {
      if (text && token.content == *text) return token.id;
    }
    const auto piece =
        text ? std::find(tables.tokens.begin(), tables.tokens.end(), *text) : tables.tokens.end();
    if (piece != tables.tokens.end()) return static_cast<TokenId>(piece - tables.tokens.begin());
    return in_model >= 0 ? std::optional<TokenId>(in_model) : std::nullopt;
  };
  options.bos = find("bos_token", tables.bos);
  options.eos = find("eos_token", tables.eos);
  const auto add_bos = files.config().get_bool("add_bos_token");
  if (!add_bos && options.bos)
    remarks.push_back("add_bos_token not given: true assumed, as transformers does");
  options.add_bos = add_bos.value_or(options.bos.has_value());
  options.add_eos = files.config().get_bool("add_eos_token").value_or(false);
  return make_sentencepiece_tokenizer(proto, std::move(options), path.string());
}

void add_hf_eos(const HfFiles& files, uint32_t vocab_size, TokenizerFiles& result) {
  for (const JsonFields& fields : {files.generation(), files.model()}) {
    for (int64_t id : fields.get_ints("eos_token_id")) {
      if (id < 0 || id >= vocab_size) {
        fields.fail("eos_token_id", fmt::format("must be from 0 to below {}, is {}", vocab_size, id));
      }
      add_eos(result, id);
    }
  }
  if (result.tokenizer && result.tokenizer->eos()) add_eos(result, *result.tokenizer->eos());
}

}  // namespace

TokenizerFiles tokenizer_from_gguf(const GgufFile& file, std::string_view architecture, uint32_t vocab_size) {
  const GgufTokenizer tables(file, vocab_size);
  TokenizerFiles result;
  result.chat_metadata.jinja = file.get_string("tokenizer.chat_template");
  result.chat_metadata.architecture = architecture;
  result.tokenizer = tables.make();
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"}) {
    if (const auto id = tables.id(key)) add_eos(result, *id);
  }
  add_chat_end(result);
  return result;
}

TokenizerFiles tokenizer_from_hf(const std::filesystem::path& directory, std::string_view architecture,
                                 uint32_t vocab_size) {
  const HfFiles files(directory);
  TokenizerFiles result;
  result.chat_metadata.jinja = files.chat_template();
  result.chat_metadata.architecture = architecture;
  if (files.has("tokenizer.model")) {
    result.tokenizer = make_hf_sentencepiece(files, result.remarks);
  } else if (files.has("tokenizer.json")) {
    result.tokenizer = make_hf_bpe(files);
  }
  add_hf_eos(files, vocab_size, result);
  add_chat_end(result);
  return result;
}

}  // namespace longscroll
