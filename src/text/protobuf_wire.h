// Protocol buffers' wire format, as far as SentencePiece's model files need it. The bytes are hostile.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace longscroll {

struct WireField {
  uint32_t number = 0;
  uint64_t varint = 0;     // varint and fixed-width fields
  std::string_view bytes;  // length-delimited fields
  bool is_bytes = false;
  std::string_view raw;  // the whole field, key included
};

// Walks the fields of one message; they point into it.
class WireReader {
 public:
  WireReader(std::string_view message, std::string_view where) : message_(message), where_(where) {}

  // False at the end. Throws Error(kFile) when the message is cut off or malformed.
  bool next(WireField& field);

 private:
  [[noreturn]] void fail(std::string_view found) const;
  uint64_t read_varint();
  std::string_view take(uint64_t length);

  std::string_view message_;
  std::string_view where_;
  size_t pos_ = 0;
};

void put_varint_field(std::string& out, uint32_t number, uint64_t value);
void put_float_field(std::string& out, uint32_t number, float value);
void put_bytes_field(std::string& out, uint32_t number, std::string_view bytes);

}  // namespace longscroll
