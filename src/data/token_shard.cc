#include "data/token_shard.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <charconv>
#include <cstring>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/checked_math.h"
#include "base/utf8.h"
#include "formats/file_faults.h"

namespace longscroll::data {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "files are read and written without byte swaps");

constexpr uint32_t kVersion = 1;
constexpr uint32_t kHasAnswers = 1;  // the only flag
constexpr uint32_t kAnswerBit = 0x80000000u;
constexpr uint64_t kMostTokens = uint64_t{1} << 31;  // ids of 31 bits
constexpr std::string_view kMagic = "LSTOKENS";
constexpr std::string_view kEndMagic = "LSTOKEND";

// As they lie in the file; no field needs padding.
struct Header {
  std::array<char, 8> magic;
  uint32_t version;
  uint32_t id_bytes;
  uint32_t flags;
  uint32_t vocab_size;
  std::array<char, 16> kind;
  std::array<uint8_t, 32> sha256;
  std::array<char, 48> model;
  uint64_t checksum;  // of what stands before it
};
static_assert(sizeof(Header) == 128);

struct Footer {
  uint64_t documents;
  uint64_t ids;
  uint64_t table_offset;
  uint64_t file_bytes;
  uint64_t table_checksum;
  uint64_t header_checksum;
  uint64_t checksum;  // of what stands before it
  std::array<char, 8> magic;
};
static_assert(sizeof(Footer) == 64);

constexpr uint64_t kEntryBytes = 16;

uint64_t checksum_of(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

template <typename T>
uint64_t checksum_before(const T& part, size_t offset) {
  return checksum_of(std::as_bytes(std::span(&part, 1)).first(offset));
}

template <size_t N>
std::string text_of(const std::array<char, N>& field) {
  return {field.begin(), std::find(field.begin(), field.end(), '\0')};
}

// As much of the text as has room, without splitting a character.
template <size_t N>
void set_text(std::array<char, N>& field, std::string_view text) {
  text = text.substr(0, N);
  text.remove_suffix(incomplete_utf8_suffix(text));
  field = {};
  std::copy(text.begin(), text.end(), field.begin());
}

std::string hex_of(const std::array<uint8_t, 32>& bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::array<uint8_t, 32> bytes_of_hex(std::string_view text) {
  assert(text.size() == 64);
  std::array<uint8_t, 32> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::from_chars(text.data() + 2 * i, text.data() + 2 * i + 2, bytes[i], 16);
  }
  return bytes;
}

Header header_for(const TokenizerIdentity& tokenizer, uint32_t id_bytes, bool with_answers) {
  Header header{};
  std::copy(kMagic.begin(), kMagic.end(), header.magic.begin());
  header.version = kVersion;
  header.id_bytes = id_bytes;
  header.flags = with_answers ? kHasAnswers : 0;
  header.vocab_size = tokenizer.vocab_size;
  set_text(header.kind, tokenizer.kind);
  header.sha256 = bytes_of_hex(tokenizer.sha256);
  set_text(header.model, tokenizer.model);
  header.checksum = checksum_before(header, offsetof(Header, checksum));
  return header;
}

uint64_t table_offset_for(uint64_t ids_bytes) {
  return (sizeof(Header) + ids_bytes + 7) / 8 * 8;
}

Header read_header(std::span<const std::byte> bytes, const fs::path& path) {
  Header header{};
  if (bytes.size() < kMagic.size() || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    throw_bad_file(path, "must be a token shard, found another kind of file",
                   "longscroll data pack writes them");
  }
  if (bytes.size() < sizeof(Header) + sizeof(Footer)) {
    throw_bad_file(path,
                   fmt::format("must be a whole token shard, found {} bytes: cut short?", bytes.size()));
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.version != kVersion) {
    throw_unsupported_file(
        path, fmt::format("must be a token shard of version {}, found {}", kVersion, header.version));
  }
  const bool fields_fit = (header.id_bytes == 2 || header.id_bytes == 4) && header.flags <= kHasAnswers &&
                          (header.flags == 0 || header.id_bytes == 4) && header.vocab_size > 0 &&
                          header.vocab_size <= (header.id_bytes == 2 ? 65536 : kMostTokens);
  if (header.checksum != checksum_before(header, offsetof(Header, checksum)) || !fields_fit) {
    throw_bad_file(path, "the head must be as it was written, found it damaged");
  }
  return header;
}

Footer read_footer(std::span<const std::byte> bytes, const Header& header, const fs::path& path) {
  Footer footer{};
  std::memcpy(&footer, bytes.last(sizeof footer).data(), sizeof footer);
  if (std::memcmp(footer.magic.data(), kEndMagic.data(), kEndMagic.size()) != 0) {
    throw_bad_file(path, "must end as a token shard does, found otherwise: cut short?",
                   "pack the corpus again, or copy the shard again");
  }
  const bool sound = footer.checksum == checksum_before(footer, offsetof(Footer, checksum)) &&
                     footer.header_checksum == header.checksum && footer.file_bytes == bytes.size();
  if (!sound) throw_bad_file(path, "the end must be as it was written, found it damaged");
  const auto ids_bytes = checked_mul(footer.ids, header.id_bytes);
  const auto table_bytes = checked_mul(footer.documents, kEntryBytes);
  const bool fits = ids_bytes && *ids_bytes < bytes.size() &&
                    footer.table_offset == table_offset_for(*ids_bytes) && table_bytes &&
                    checked_add(footer.table_offset, *table_bytes) == bytes.size() - sizeof(Footer) &&
                    footer.documents > 0 && footer.documents <= std::numeric_limits<uint32_t>::max();
  if (!fits) {
    throw_bad_file(path, fmt::format("{} documents of {} ids must fill {} bytes, and do not",
                                     footer.documents, footer.ids, bytes.size()));
  }
  return footer;
}

}  // namespace

struct TokenShard::Layout {
  Header header{};
  Footer footer{};
};

TokenShard::Layout TokenShard::checked_header() const {
  const Header header = read_header(file_.bytes(), path());
  return {header, read_footer(file_.bytes(), header, path())};
}

TokenShard::TokenShard(const fs::path& path) : file_(path) {
  const auto [header, footer] = checked_header();
  tokenizer_ = {text_of(header.kind), header.vocab_size, hex_of(header.sha256), text_of(header.model)};
  has_answers_ = header.flags == kHasAnswers;
  id_bytes_ = header.id_bytes;
  documents_ = static_cast<uint32_t>(footer.documents);
  ids_ = footer.ids;
  table_offset_ = footer.table_offset;
  check_table(footer.table_checksum);
}

void TokenShard::check_table(uint64_t table_checksum) const {
  const auto table = file_.bytes().subspan(table_offset_, documents_ * kEntryBytes);
  const uint64_t ids_end = sizeof(Header) + ids_ * id_bytes_;
  const auto gap = file_.bytes().subspan(ids_end, table_offset_ - ids_end);
  const bool is_zero = std::all_of(gap.begin(), gap.end(), [](std::byte b) { return b == std::byte{0}; });
  bool sound = is_zero && checksum_of(table) == table_checksum;
  uint64_t before = 0;
  for (uint32_t i = 0; sound && i < documents_; ++i) {
    const uint64_t end = entry(i).end;
    sound = end <= ids_ && before + 2 <= end;
    before = end;
  }
  if (!sound || before != ids_) {
    throw_bad_file(path(), "the table of documents must be as it was written, found it damaged");
  }
}

TokenShard::Entry TokenShard::entry(uint32_t document) const {
  assert(document < documents_);
  Entry found{};
  std::memcpy(&found, file_.bytes().data() + table_offset_ + document * kEntryBytes, sizeof found);
  return found;
}

void TokenShard::fail(uint32_t document, const std::string& what) const {
  throw_bad_file(path(), fmt::format("document {} {}", document, what), "pack the corpus again");
}

std::span<const std::byte> TokenShard::checked_bytes(uint32_t document) const {
  const uint64_t offset = sizeof(Header) + begin(document) * id_bytes_;
  const auto bytes = file_.bytes().subspan(offset, length(document) * id_bytes_);
  if (checksum_of(bytes) != entry(document).checksum) {
    fail(document, "must be as it was written, found its ids damaged");
  }
  return bytes;
}

TokenDocument TokenShard::read(uint32_t document, uint64_t from, uint64_t count) const {
  assert(from <= length(document) && count <= length(document) - from);
  const auto bytes = checked_bytes(document).subspan(from * id_bytes_, count * id_bytes_);
  TokenDocument read;
  read.ids.resize(count);
  if (has_answers_) read.learnt.resize(count);
  for (uint64_t i = 0; i < count; ++i) {
    uint32_t value = 0;
    std::memcpy(&value, bytes.data() + i * id_bytes_, id_bytes_);
    if (has_answers_) read.learnt[i] = (value & kAnswerBit) != 0 ? 1 : 0;
    if (has_answers_) value &= ~kAnswerBit;
    if (value >= tokenizer_.vocab_size) {
      fail(document, fmt::format("must hold ids below {}, found {}", tokenizer_.vocab_size, value));
    }
    read.ids[i] = static_cast<TokenId>(value);
  }
  return read;
}

void TokenShard::check_documents() const {
  for (uint32_t document = 0; document < documents_; ++document) checked_bytes(document);
}

ShardWriter::ShardWriter(fs::path path, const TokenizerIdentity& tokenizer, bool with_answers)
    : file_(std::move(path)),
      vocab_size_(tokenizer.vocab_size),
      id_bytes_(with_answers || tokenizer.vocab_size > 65536 ? 4 : 2),
      with_answers_(with_answers) {
  const Header header = header_for(tokenizer, id_bytes_, with_answers);
  header_checksum_ = header.checksum;
  file_.write(std::as_bytes(std::span(&header, 1)));
}

void ShardWriter::add(const TokenDocument& document) {
  const size_t count = document.ids.size();
  assert(count >= 2 && document.learnt.size() == (with_answers_ ? count : 0));
  bytes_.resize(count * id_bytes_);
  for (size_t i = 0; i < count; ++i) {
    assert(static_cast<uint32_t>(document.ids[i]) < vocab_size_);
    auto value = static_cast<uint32_t>(document.ids[i]);
    if (with_answers_ && document.learnt[i] != 0) value |= kAnswerBit;
    std::memcpy(bytes_.data() + i * id_bytes_, &value, id_bytes_);
  }
  file_.write(bytes_);
  checksums_.push_back(checksum_of(bytes_));
  ends_.push_back(ids() + count);
}

void ShardWriter::commit() {
  file_.write_zeros(table_offset_for(ids() * id_bytes_) - file_.size());
  std::vector<uint64_t> table;
  table.reserve(2 * ends_.size());
  for (size_t i = 0; i < ends_.size(); ++i) {
    table.push_back(ends_[i]);
    table.push_back(checksums_[i]);
  }
  const auto table_bytes = std::as_bytes(std::span(table));
  Footer footer{};
  footer.documents = documents();
  footer.ids = ids();
  footer.table_offset = file_.size();
  footer.file_bytes = file_.size() + table_bytes.size() + sizeof footer;
  footer.table_checksum = checksum_of(table_bytes);
  footer.header_checksum = header_checksum_;
  footer.checksum = checksum_before(footer, offsetof(Footer, checksum));
  std::copy(kEndMagic.begin(), kEndMagic.end(), footer.magic.begin());
  file_.write(table_bytes);
  file_.write(std::as_bytes(std::span(&footer, 1)));
  file_.commit();
}

std::vector<fs::path> find_shards(const std::vector<fs::path>& paths) {
  std::vector<fs::path> found;
  for (const fs::path& path : paths) {
    std::error_code fault;
    if (!fs::is_directory(path, fault)) {
      if (!fs::exists(path, fault))
        throw_bad_file(path, "must be a shard or a folder of shards, found nothing there");
      found.push_back(path);
      continue;
    }
    std::vector<fs::path> inside;
    for (fs::directory_iterator it(path, fault), end; !fault && it != end; it.increment(fault)) {
      if (it->path().extension() == kShardEnding) inside.push_back(it->path());
    }
    if (inside.empty()) {
      throw_bad_file(path, fmt::format("must hold token shards (*{}), found none", kShardEnding),
                     "longscroll data pack writes them");
    }
    std::sort(inside.begin(), inside.end());
    found.insert(found.end(), inside.begin(), inside.end());
  }
  return found;
}

}  // namespace longscroll::data
