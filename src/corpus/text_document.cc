#include "corpus/text_document.h"

#include <fmt/format.h>

namespace longscroll::corpus {
std::string with_field(std::string_view meta, const std::string& key, const Json& value) {
  Json fields = parse_json(meta);
  fields[key] = value;
  return json_text(fields);
}

Json field_or_null(const Json& json, const std::string& key) {
  const auto it = json.find(key);
  return it == json.end() ? Json() : *it;
}

std::string text_field(std::string_view meta, const std::string& key) {
  const Json field = field_or_null(parse_json(meta), key);
  return field.is_string() ? field.get<std::string>() : std::string();
}

Json parse_json(std::string_view text) {
  return Json::parse(text);
}

std::string json_page(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string json_line(const Json& json) {
  return json_text(json) + "\n";
}

std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Runs without a character to escape, which is nearly all of a text, are copied whole.
void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  size_t copied = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out.append(text.substr(copied, at - copied));
    copied = at + 1;
    if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte == '"' || byte == '\\') {
      out += {'\\', text[at]};
    } else {
      out += fmt::format("\\u{:04x}", byte);
    }
  }
  out.append(text.substr(copied));
  out += '"';
}

}  // namespace longscroll::corpus
