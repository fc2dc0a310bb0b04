// Test support: holds a tokenizer against the goldens of tools/make_tokenizer_goldens.py, which says how
// the files are laid out. Include it in tests only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace longscroll::golden {

inline uint64_t fnv(std::string_view bytes) {
  uint64_t value = 0xcbf29ce484222325u;
  for (char byte : bytes) value = (value ^ static_cast<uint8_t>(byte)) * 0x100000001b3u;
  return value;
}

inline uint64_t hash_ids(const std::vector<TokenId>& ids) {
  std::string bytes;
  for (TokenId id : ids) {
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(id >> shift));
  }
  return fnv(bytes);
}

inline uint64_t parse_hash(const nlohmann::json& hex) {
  return std::stoull(hex.get<std::string>(), nullptr, 16);
}

inline std::string decode_base64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<uint32_t>(kDigits.find(c));
    count += 6;
    if (count >= 8) out.push_back(static_cast<char>(bits >> (count -= 8)));
  }
  return out;
}

inline std::vector<nlohmann::json> read_lines(const std::filesystem::path& path) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

inline std::vector<std::string> read_strings(const std::filesystem::path& directory) {
  std::vector<std::string> strings;
  for (const nlohmann::json& line : read_lines(directory / "strings.jsonl")) {
    strings.push_back(line.is_string() ? line.get<std::string>()
                                       : decode_base64(line["base64"].get<std::string>()));
  }
  return strings;
}

inline std::string streamed(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  StreamDecoder decoder(tokenizer);
  std::string text;
  for (TokenId id : ids) {
    const std::string part = decoder.push(id);
    EXPECT_TRUE(is_valid_utf8(part));
    text += part;
  }
  return text + decoder.flush();
}

// Counts what differs, and shows the first few.
class Tally {
 public:
  void check(bool equal, const char* what, size_t number, const std::string& text,
             const std::vector<TokenId>& ids) {
    if (equal || ++faults_ > 5) return;
    ADD_FAILURE() << what << " of string " << number << ": "
                  << nlohmann::json(replace_invalid_utf8(text)).dump() << "\n  found "
                  << nlohmann::json(ids).dump();
  }
  ~Tally() { EXPECT_EQ(faults_, 0u) << "differences in all"; }

 private:
  size_t faults_ = 0;
};

inline void check_string(const Tokenizer& tokenizer, const nlohmann::json& line, size_t number,
                         const std::string& text, Tally& tally) {
  const std::vector<TokenId> ids = tokenizer.encode(text, {.add_special = false});
  const bool same_ids =
      line[0].is_array() ? ids == line[0].get<std::vector<TokenId>>() : ids.size() == line[0].get<size_t>();
  tally.check(same_ids && hash_ids(ids) == parse_hash(line[1]), "ids", number, text, ids);
  if (!line[2].is_null()) {
    const auto marked = tokenizer.encode(text, {.add_special = false, .parse_special = true});
    tally.check(hash_ids(marked) == parse_hash(line[2]), "ids with markup", number, text, marked);
  }
  const std::string decoded = tokenizer.decode(ids);
  tally.check(fnv(decoded) == parse_hash(line[3]), "decoded text", number, text, ids);
  tally.check(streamed(tokenizer, ids) == decoded, "streamed text", number, text, ids);
}

inline void check_chat(const Tokenizer& tokenizer, const nlohmann::json& line, ChatFormat format) {
  std::vector<ChatMessage> messages;
  for (const nlohmann::json& message : line["messages"]) {
    messages.push_back({message["role"].get<std::string>(), message["content"].get<std::string>()});
  }
  EXPECT_EQ(chat_prompt(tokenizer, format, messages, line["default_system"].get<std::string>()),
            line["ids"].get<std::vector<TokenId>>())
      << line["messages"].dump();
}

// Every string, every decode line and, where the golden has them, every conversation in `format`.
inline void expect_matches(const Tokenizer& tokenizer, const std::filesystem::path& directory,
                           const std::string& name, std::optional<ChatFormat> format = std::nullopt) {
  const std::vector<std::string> strings = read_strings(directory);
  const std::vector<nlohmann::json> lines = read_lines(directory / (name + ".jsonl"));
  ASSERT_GE(strings.size(), 3000u);
  ASSERT_GT(lines.size(), strings.size());
  EXPECT_EQ(tokenizer.encode("Hello"), lines[0]["default_ids"].get<std::vector<TokenId>>())
      << "with BOS and EOS";
  Tally tally;
  for (size_t i = 0; i < strings.size(); ++i) check_string(tokenizer, lines[i + 1], i, strings[i], tally);
  size_t conversations = 0;
  for (size_t i = strings.size() + 1; i < lines.size(); ++i) {
    const nlohmann::json& line = lines[i];
    if (line.contains("decode")) {
      const auto ids = line["decode"].get<std::vector<TokenId>>();
      const std::string text = line["text"].get<std::string>();
      tally.check(tokenizer.decode(ids) == text, "decoded", i, text, ids);
      tally.check(streamed(tokenizer, ids) == text, "streamed", i, text, ids);
    } else if (format) {
      check_chat(tokenizer, line, *format);
      ++conversations;
    }
  }
  EXPECT_EQ(conversations > 0, format.has_value());
}

}  // namespace longscroll::golden
