#include "text/protobuf_wire.h"

#include <fmt/format.h>
#include <bit>

#include "base/error.h"

namespace longscroll {
namespace {

constexpr uint32_t kVarint = 0;
constexpr uint32_t kFixed64 = 1;
constexpr uint32_t kBytes = 2;
constexpr uint32_t kFixed32 = 5;

void put_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void put_key(std::string& out, uint32_t number, uint32_t type) {
  put_varint(out, uint64_t{number} << 3 | type);
}

uint64_t little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

}  // namespace

void WireReader::fail(std::string_view found) const {
  throw Error(
      ErrorKind::kFile, std::string(where_),
      fmt::format("a SentencePiece model must be a whole protocol buffer, found {} at byte {}", found, pos_));
}

uint64_t WireReader::read_varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (pos_ >= message_.size()) fail("its end inside a number");
    const auto byte = static_cast<uint8_t>(message_[pos_++]);
    value |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  fail("a number of more than 64 bits");
}

std::string_view WireReader::take(uint64_t length) {
  if (length > message_.size() - pos_)
    fail(fmt::format("a field of {} bytes, which is more than are left,", length));
  const std::string_view bytes = message_.substr(pos_, static_cast<size_t>(length));
  pos_ += bytes.size();
  return bytes;
}

bool WireReader::next(WireField& field) {
  if (pos_ == message_.size()) return false;
  const size_t begin = pos_;
  const uint64_t key = read_varint();
  if (key >> 3 == 0 || key >> 3 >= uint64_t{1} << 29) fail("a field without a valid number");
  field = {};
  field.number = static_cast<uint32_t>(key >> 3);
  switch (key & 7) {
    case kVarint:
      field.varint = read_varint();
      break;
    case kFixed64:
      field.varint = little_endian(take(8));
      break;
    case kFixed32:
      field.varint = little_endian(take(4));
      break;
    case kBytes:
      field.bytes = take(read_varint());
      field.is_bytes = true;
      break;
    default:
      fail("a field of an unknown type");
  }
  field.raw = message_.substr(begin, pos_ - begin);
  return true;
}

void put_varint_field(std::string& out, uint32_t number, uint64_t value) {
  put_key(out, number, kVarint);
  put_varint(out, value);
}

void put_float_field(std::string& out, uint32_t number, float value) {
  put_key(out, number, kFixed32);
  const auto bits = std::bit_cast<uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(bits >> shift));
}

void put_bytes_field(std::string& out, uint32_t number, std::string_view bytes) {
  put_key(out, number, kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

}  // namespace longscroll
