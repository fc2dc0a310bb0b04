#include "model/tokenizer_loader.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "model/json_fields.h"

namespace longscroll {
namespace {

constexpr const char* kTokens = "tokenizer.ggml.tokens";
constexpr const char* kTokenTypes = "tokenizer.ggml.token_type";
constexpr const char* kImEnd = "<|im_end|>";

void add_eos(std::vector<TokenId>& ids, int64_t id) {
  const auto token = static_cast<TokenId>(id);
  if (std::find(ids.begin(), ids.end(), token) == ids.end()) ids.push_back(token);
}

// ChatML's answers end with <|im_end|>, also where the files name only the end of a document.
void add_chat_end(TokenizerFiles& files) {
  const auto& jinja = files.chat_metadata.jinja;
  if (!files.tokenizer || !jinja || jinja->find(kImEnd) == std::string::npos) return;
  if (const auto id = files.tokenizer->find_token(kImEnd)) add_eos(files.eos_ids, *id);
}

class GgufTokenizer {
 public:
  GgufTokenizer(const GgufFile& file, uint32_t vocab_size)
      : file_(file), where_(file.path().string()), vocab_size_(vocab_size) {}

  decltype(TokenizerSource::tables) tables() const {
    const auto kind = file_.get_string("tokenizer.ggml.model");
    if (!kind || *kind == "none" || *kind == "no_vocab") return std::monostate();
    if (*kind == "gpt2") return bpe_tables();
    if (*kind == "llama") return sentencepiece();
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

  BpeTables bpe_tables() const {
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
    return tables;
  }

  SentencePieceSource sentencepiece() const {
    SentencePieceSource source;
    SpmTables& tables = source.tables;
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
    SentencePieceOptions& options = source.options;
    options.bos = id("tokenizer.ggml.bos_token_id");
    options.eos = id("tokenizer.ggml.eos_token_id");
    tables.bos = options.bos.value_or(-1);
    tables.eos = options.eos.value_or(-1);
    options.add_bos = file_.get_bool("tokenizer.ggml.add_bos_token").value_or(options.bos.has_value());
    options.add_eos = file_.get_bool("tokenizer.ggml.add_eos_token").value_or(false);
    source.proto = sentencepiece_proto_from_tables(tables, where_);
    return source;
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

BpeTables hf_bpe_tables(const HfFiles& files) {
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
  return tables;
}

SentencePieceSource hf_sentencepiece(const HfFiles& files, std::vector<std::string>& remarks) {
  const auto path = files.path("tokenizer.model");
  SentencePieceSource source;
  source.proto = read_text_file(path);
  source.tables = spm_tables_from_proto(source.proto, path.string());
  const SpmTables& tables = source.tables;
  // Gemma's reference is not the library but a BPE over its tables, which differs in runs of spaces.
  const bool gemma = files.config().get_string("tokenizer_class").value_or("").starts_with("Gemma");
  if (gemma) source.proto = sentencepiece_proto_from_tables(tables, path.string());

  SentencePieceOptions& options = source.options;
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
    remarks.emplace_back("add_bos_token not given: true assumed, as transformers does");
  options.add_bos = add_bos.value_or(options.bos.has_value());
  options.add_eos = files.config().get_bool("add_eos_token").value_or(false);
  return source;
}

void add_hf_eos(const HfFiles& files, uint32_t vocab_size, TokenizerSource& source) {
  for (const JsonFields& fields : {files.generation(), files.model()}) {
    for (int64_t id : fields.get_ints("eos_token_id")) {
      if (id < 0 || id >= vocab_size) {
        fields.fail("eos_token_id", fmt::format("must be from 0 to below {}, is {}", vocab_size, id));
      }
      add_eos(source.eos_ids, id);
    }
  }
  if (source.eos) add_eos(source.eos_ids, *source.eos);
}

// transformers writes -1 for none in places.
std::optional<TokenId> hf_id(const JsonFields& fields, const char* key, uint32_t vocab_size) {
  const auto ids = fields.get_ints(key);
  if (ids.size() != 1 || ids[0] < 0 || ids[0] >= vocab_size) return std::nullopt;
  return static_cast<TokenId>(ids[0]);
}

TokenizerFiles files_from(TokenizerSource source, std::string_view architecture) {
  TokenizerFiles result;
  result.chat_metadata.jinja = std::move(source.chat_template);
  result.chat_metadata.architecture = architecture;
  result.eos_ids = std::move(source.eos_ids);
  result.remarks = std::move(source.remarks);
  if (auto* bpe = std::get_if<BpeTables>(&source.tables)) {
    result.tokenizer = make_bpe_tokenizer(std::move(*bpe), source.where);
  } else if (auto* pieces = std::get_if<SentencePieceSource>(&source.tables)) {
    result.tokenizer = make_sentencepiece_tokenizer(pieces->proto, std::move(pieces->options), source.where);
  }
  add_chat_end(result);
  return result;
}

}  // namespace

TokenizerSource tokenizer_source_from_gguf(const GgufFile& file, uint32_t vocab_size) {
  const GgufTokenizer tokenizer(file, vocab_size);
  TokenizerSource source;
  source.where = file.path().string();
  source.chat_template = file.get_string("tokenizer.chat_template");
  source.tables = tokenizer.tables();
  source.bos = tokenizer.id("tokenizer.ggml.bos_token_id");
  source.eos = tokenizer.id("tokenizer.ggml.eos_token_id");
  source.pad = tokenizer.id("tokenizer.ggml.padding_token_id");
  for (const char* key :
       {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    if (const auto id = tokenizer.id(key)) add_eos(source.eos_ids, *id);
  }
  return source;
}

TokenizerSource tokenizer_source_from_hf(const std::filesystem::path& directory, uint32_t vocab_size) {
  const HfFiles files(directory);
  TokenizerSource source;
  source.where = directory.string();
  source.chat_template = files.chat_template();
  if (files.has("tokenizer.model")) {
    source.where = files.path("tokenizer.model").string();
    auto pieces = hf_sentencepiece(files, source.remarks);
    source.bos = pieces.options.bos;
    source.eos = pieces.options.eos;
    if (pieces.tables.pad >= 0) source.pad = pieces.tables.pad;
    source.tables = std::move(pieces);
  } else if (files.has("tokenizer.json")) {
    source.where = files.path("tokenizer.json").string();
    BpeTables tables = hf_bpe_tables(files);
    source.bos = tables.bos;
    source.eos = tables.eos;
    source.tables = std::move(tables);
  }
  add_hf_eos(files, vocab_size, source);
  if (!source.bos) source.bos = hf_id(files.model(), "bos_token_id", vocab_size);
  if (!source.pad) source.pad = hf_id(files.model(), "pad_token_id", vocab_size);
  return source;
}

TokenizerFiles tokenizer_from_gguf(const GgufFile& file, std::string_view architecture, uint32_t vocab_size) {
  return files_from(tokenizer_source_from_gguf(file, vocab_size), architecture);
}

TokenizerFiles tokenizer_from_hf(const std::filesystem::path& directory, std::string_view architecture,
                                 uint32_t vocab_size) {
  return files_from(tokenizer_source_from_hf(directory, vocab_size), architecture);
}

}  // namespace longscroll
