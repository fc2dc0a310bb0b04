// A document of a corpus, as document shards hold it (docs/formats/document-shards.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace longscroll::corpus {

using Json = nlohmann::ordered_json;

inline constexpr uint64_t kMaxTextBytes = uint64_t{32} << 20;  // of a document; far above any window
inline constexpr uint64_t kMaxLineBytes = 2 * kMaxTextBytes;   // of a record; JSON may double what it escapes
inline constexpr size_t kMaxDepth = 20;  // levels of JSON in a shard's record; import takes 2 fewer

struct TextDocument {
  std::string id;           // not empty, once in its shard
  std::string source;       // what it is counted under
  std::string text;         // UTF-8
  std::string meta = "{}";  // a JSON object, as text: most steps hand it on unread
};

// `meta` with one field more, or another value of it. `meta` is a JSON object.
std::string with_field(std::string_view meta, const std::string& key, const Json& value);

// A field of an object; null where there is none, or `json` is no object.
Json field_or_null(const Json& json, const std::string& key);

// The text under `key` of the object `meta`; empty where there is none.
std::string text_field(std::string_view meta, const std::string& key);

// What nlohmann-json reads, compiled once for the layer. Throws Json::exception.
Json parse_json(std::string_view text);

// For files that people read too, and as one line, both with their end; bytes that are not UTF-8, as names of
// files may have, are replaced.
std::string json_page(const Json& json);
std::string json_line(const Json& json);
std::string json_text(const Json& json);  // that line without its end

// Appended as a JSON string with its quotes. `text` is UTF-8.
void append_json_string(std::string& out, std::string_view text);

}  // namespace longscroll::corpus
