#include "suites/code_point_tokenizer.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"

namespace longscroll {
namespace {

constexpr size_t kCodePoints = 0x110000;

class CodePointTokenizer : public Tokenizer {
 public:
  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& /*options*/) const override {
    std::vector<TokenId> ids;
    for (size_t at = 0; at < text.size();) {
      const Utf8Char c = decode_utf8(text, at);
      ids.push_back(static_cast<TokenId>(c.code_point));
      at += c.length;
    }
    return ids;
  }

  std::string decode(std::span<const TokenId> ids, bool /*skip_special*/) const override {
    std::string text;
    for (const TokenId id : ids) text += token_bytes(id, false);
    return text;
  }

  std::string token_bytes(TokenId id, bool /*skip_special*/) const override {
    if (static_cast<size_t>(id) >= kCodePoints) {
      throw Error(ErrorKind::kArgument, "codepoint",
                  fmt::format("ids must be below {}, found {}", kCodePoints, id));
    }
    std::string text;
    append_utf8(text, static_cast<uint32_t>(id));
    return text;
  }

  size_t vocab_size() const override { return kCodePoints; }
  std::string_view kind() const override { return "codepoint"; }
  bool is_special(TokenId /*id*/) const override { return false; }
  std::optional<TokenId> find_token(std::string_view text) const override {
    const std::vector<TokenId> ids = encode(text, {});
    return ids.size() == 1 ? std::optional(ids[0]) : std::nullopt;
  }
  std::optional<TokenId> bos() const override { return std::nullopt; }
  std::optional<TokenId> eos() const override { return std::nullopt; }
};

}  // namespace

std::shared_ptr<const Tokenizer> make_code_point_tokenizer() {
  return std::make_shared<CodePointTokenizer>();
}

}  // namespace longscroll
