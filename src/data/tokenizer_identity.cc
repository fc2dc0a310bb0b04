#include "data/tokenizer_identity.h"

#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/hasher.h"

namespace longscroll::data {
namespace {

// Changing a byte of it changes every hash: shards that were packed before would be refused.
constexpr std::string_view kProbe =
    "The unbelievably long-winded narrator didn't stop; she'd counted 1,234,567.89 steps (about 12%) by "
    "3:45pm.\n"
    "\n\n\tfor (int i = 0; i < 10; ++i) {\n        total_sum += values[i] * 0x1F;  // déjà vu\n    }\n"
    "长文本的上下文长度是32768，模型可以一次读完三万五千字以上的文档。「引号」、顿号；全角１２３\n"
    "Быстрая коричневая лиса — 日本語のテキスト、한국어 문장, النص العربي, ελληνικά, हिन्दी\n"
    "https://example.org/a_b?c=d&e=%20f   trailing   spaces   \r\n"
    "CamelCaseIdentifier snake_case_identifier ALLCAPS naïve coöperate "
    "\xF0\x9F\x93\x9C\xF0\x9F\x91\xA9\xE2\x80\x8D"
    "\xF0\x9F\x92\xBB e\xCC\x81 ½ ™ ∑ ≤ aaaaaaaaaaaaaaaa ========\n";

void update(Hasher& hasher, std::string_view bytes) {
  hasher.update(std::as_bytes(std::span(bytes)));
}

// With its length before it, so that no two lists of tokens run together into the same bytes.
void update_sized(Hasher& hasher, std::string_view bytes) {
  update(hasher, fmt::format("{} ", bytes.size()));
  update(hasher, bytes);
}

}  // namespace

std::string TokenizerIdentity::text() const {
  return fmt::format("{}, {} tokens, {}{}", kind, vocab_size, sha256.substr(0, 8),
                     model.empty() ? "" : fmt::format(" ({})", model));
}

TokenizerIdentity identify(const Tokenizer& tokenizer, std::string model) {
  TokenizerIdentity identity;
  identity.kind = tokenizer.kind();
  identity.vocab_size = static_cast<uint32_t>(tokenizer.vocab_size());
  identity.model = std::move(model);
  Hasher hasher = Hasher::sha256();
  update_sized(hasher, identity.kind);
  for (uint32_t id = 0; id < identity.vocab_size; ++id) {
    update_sized(hasher, tokenizer.token_bytes(static_cast<TokenId>(id), false));
  }
  for (const TokenId id : tokenizer.encode(kProbe, {.add_special = false, .parse_special = false})) {
    update(hasher, fmt::format("{} ", id));
  }
  identity.sha256 = hasher.hex();
  return identity;
}

}  // namespace longscroll::data
