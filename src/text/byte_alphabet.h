// GPT-2's spelling of bytes as printable characters: how byte-level BPE vocabularies are stored.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace longscroll {

// The character that stands for each byte, as UTF-8: printable Latin-1 stands for itself, the other
// 68 bytes for U+0100 onwards in order.
const std::array<std::string, 256>& byte_spellings();

// The bytes that a stored spelling stands for; nullopt when it holds a character outside the alphabet.
std::optional<std::string> bytes_of_spelling(std::string_view spelling);

}  // namespace longscroll
