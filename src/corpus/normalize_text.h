// Repairs of a text that change no word of it: wrong decoding, control characters, Unicode's composed form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace longscroll::corpus {

struct Repair {
  std::string text;
  uint64_t runs = 0;  // of characters that were decoded again; 0: the text is as it was
};

// Mojibake: UTF-8 that was read as Windows-1252 or Latin-1, up to three times over ("cafÃ©" is "café"). A run
// of characters is decoded again when its bytes are valid UTF-8, which real text in these encodings is hardly
// ever; a run of two bytes alone needs company, at least nine others for each that does not decode. `text` is
// UTF-8.
Repair repair_mojibake(std::string_view text);

// Line ends become \n; other control characters but \t go, and so do byte order marks, zero-width spaces,
// soft hyphens, marks of direction and code points that are no characters. `text` is UTF-8.
Repair remove_controls(std::string_view text);

// NFC (Unicode Standard Annex 15), by ICU. `text` is UTF-8. Throws Error(kResource) when ICU fails.
std::string normalize_nfc(std::string_view text);

// Of the characters, the share that say that decoding failed for good: U+FFFD, and 锟斤拷, which is what
// Chinese programs made of it.
double replaced_share(std::string_view text);

}  // namespace longscroll::corpus
