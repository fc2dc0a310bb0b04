// Addresses and numbers of people, taken out of a text where they can be told by their form.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace longscroll::corpus {

struct MaskSettings {
  bool email = false;  // to "<EMAIL>"
  bool phone =
      false;  // to "<PHONE>": with + and a country, in North America's form, of Chinese mobiles and landlines
  bool address = false;  // IPv4 addresses, to "<IP>"
};

struct Masked {
  std::string text;
  uint64_t count = 0;
};

// Immutable once made, by PCRE2 patterns; each thread has its own.
class Masker {
 public:
  explicit Masker(const MaskSettings& settings);
  ~Masker();
  Masker(const Masker&) = delete;
  Masker& operator=(const Masker&) = delete;

  // `text` is UTF-8. Throws Error(kResource) when PCRE2 has no memory.
  Masked mask(std::string_view text) const;

 private:
  struct Pattern;
  std::vector<std::unique_ptr<Pattern>> patterns_;
};

}  // namespace longscroll::corpus
