// The tokenizer's files of a Hugging Face directory.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.h"
#include "formats/atomic_file.h"
#include "model/hf_export.h"
#include "model/json_fields.h"

namespace longscroll {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kTokenizerFiles = {"tokenizer.model",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "special_tokens_map.json",
                                        "added_tokens.json",
                                        "vocab.json",
                                        "merges.txt",
                                        "chat_template.jinja",
                                        "chat_template.json",
                                        "generation_config.json"};

const std::vector<std::string>* tokens_of(const TokenizerSource& source) {
  if (const auto* bpe = std::get_if<BpeTables>(&source.tables)) return &bpe->tokens;
  if (const auto* pieces = std::get_if<SentencePieceSource>(&source.tables)) return &pieces->tables.tokens;
  return nullptr;
}

// Naming a token in tokenizer_config.json makes it markup, which a piece of ordinary text must not become.
bool is_markup(const TokenizerSource& source, TokenId id) {
  if (const auto* bpe = std::get_if<BpeTables>(&source.tables)) {
    return std::any_of(bpe->added.begin(), bpe->added.end(),
                       [id](const AddedToken& token) { return token.id == id && token.special; });
  }
  const auto& tables = std::get<SentencePieceSource>(source.tables).tables;
  const auto index = static_cast<size_t>(id);
  return index < tables.types.size() &&
         (tables.types[index] == kSpmControl || tables.types[index] == kSpmUnknown || id == tables.unk);
}

// What a converter put behind the vocabulary to fill the embedding's rows.
size_t without_padding(const std::vector<std::string>& tokens) {
  size_t count = tokens.size();
  while (count > 0 && tokens[count - 1] == fmt::format("[PAD{}]", count - 1)) --count;
  return count;
}

class TokenizerWriter {
 public:
  TokenizerWriter(const ConversionSource& source, const ExportTarget& target,
                  const std::filesystem::path& directory, Remarks& remarks)
      : source_(source.tokenizer), target_(target), directory_(directory), remarks_(remarks) {}

  std::vector<std::string> write() {
    if (const auto* bpe = std::get_if<BpeTables>(&source_.tables)) {
      write_bpe(*bpe);
    } else if (const auto* pieces = std::get_if<SentencePieceSource>(&source_.tables)) {
      write_sentencepiece(*pieces);
    } else {
      remarks_.emplace_back("the model has no tokenizer");
    }
    if (!source_.eos_ids.empty()) write_generation_config();
    return std::move(files_);
  }

 private:
  void put(const char* name, std::string_view text) {
    write_file(directory_ / name, text);
    files_.emplace_back(name);
  }

  void write_bpe(BpeTables tables) {
    tables.tokens.resize(without_padding(tables.tokens));
    std::erase_if(tables.added, [&](const AddedToken& token) {
      return static_cast<size_t>(token.id) >= tables.tokens.size();
    });
    put("tokenizer.json", tokenizer_json_from_bpe_tables(tables, source_.where));
    put_config("PreTrainedTokenizerFast", tables.add_bos, tables.add_eos);
  }

  void write_sentencepiece(const SentencePieceSource& pieces) {
    SpmTables tables = pieces.tables;
    const size_t count = without_padding(tables.tokens);
    tables.tokens.resize(count);
    tables.scores.resize(count);
    tables.types.resize(count);
    put("tokenizer.model", sentencepiece_proto_from_tables(tables, source_.where));
    put_config(target_.architecture->scaled_embedding ? "GemmaTokenizer" : "LlamaTokenizer",
               pieces.options.add_bos, pieces.options.add_eos);
  }

  void put_config(const char* tokenizer_class, bool add_bos, bool add_eos) {
    Json config = {{"tokenizer_class", tokenizer_class},
                   {"add_bos_token", add_bos},
                   {"add_eos_token", add_eos},
                   {"clean_up_tokenization_spaces", false}};
    const auto put_token = [&](const char* key, std::optional<TokenId> id) {
      if (id && is_markup(source_, *id)) config[key] = tokens_of(source_)->at(static_cast<size_t>(*id));
    };
    put_token("bos_token", source_.bos);
    put_token("eos_token", source_.eos);
    put_token("pad_token", source_.pad);
    if (const auto* pieces = std::get_if<SentencePieceSource>(&source_.tables)) {
      if (pieces->tables.unk >= 0) put_token("unk_token", pieces->tables.unk);
    }
    if (source_.chat_template) config["chat_template"] = *source_.chat_template;
    put("tokenizer_config.json", config.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }

  void write_generation_config() {
    Json config;
    if (source_.bos) config["bos_token_id"] = *source_.bos;
    config["eos_token_id"] = source_.eos_ids;
    if (source_.pad) config["pad_token_id"] = *source_.pad;
    put("generation_config.json", config.dump(2) + "\n");
  }

  const TokenizerSource& source_;
  const ExportTarget& target_;
  const std::filesystem::path& directory_;
  Remarks& remarks_;
  std::vector<std::string> files_;
};

// As they are: no reading and writing again could keep everything that they say. The program text that
// some configurations name goes along.
std::vector<std::string> copy_files(const ConversionSource& source, const ExportTarget& target,
                                    const std::filesystem::path& directory, Remarks& remarks) {
  std::vector<std::string> files;
  const auto copy = [&](const std::filesystem::path& from) {
    write_file(directory / from.filename(), read_text_file(from));
    files.push_back(from.filename().string());
  };
  for (const char* name : kTokenizerFiles) {
    if (std::filesystem::is_regular_file(source.directory / name)) copy(source.directory / name);
  }
  for (const auto& entry : std::filesystem::directory_iterator(source.directory)) {
    if (entry.is_regular_file() && entry.path().extension() == ".py") copy(entry.path());
  }
  if (source.architecture != target.architecture && source.tokenizer.chat_template &&
      !std::filesystem::exists(directory / "chat_template.jinja")) {
    write_file(directory / "chat_template.jinja", *source.tokenizer.chat_template);
    files.emplace_back("chat_template.jinja");
  }
  if (files.empty()) remarks.emplace_back("the model has no tokenizer");
  return files;
}

std::string jinja_text(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

}  // namespace

std::vector<std::string> write_hf_tokenizer(const ConversionSource& source, const ExportTarget& target,
                                            const std::filesystem::path& directory, Remarks& remarks) {
  if (!source.directory.empty()) return copy_files(source, target, directory, remarks);
  return TokenizerWriter(source, target, directory, remarks).write();
}

std::optional<std::string> index_chat_template(const TokenizerSource& tokenizer) {
  const auto* tokens = tokens_of(tokenizer);
  if (tokens == nullptr || tokens->size() < 5 || (*tokens)[3] != "reserved_0") return std::nullopt;
  const auto mark = [&](size_t id) { return jinja_text((*tokens)[id]); };
  return fmt::format(
      "{{% for message in messages %}}"
      "{{% if message['role'] == 'system' %}}{{{{ {} + message['content'] }}}}"
      "{{% elif message['role'] == 'user' %}}{{{{ {} + message['content'] }}}}"
      "{{% elif message['role'] == 'assistant' %}}{{{{ {} + message['content'] + {} }}}}"
      "{{% endif %}}{{% endfor %}}"
      "{{% if add_generation_prompt %}}{{{{ {} }}}}{{% endif %}}",
      mark(0), mark(3), mark(4), mark(2), mark(4));
}

}  // namespace longscroll
