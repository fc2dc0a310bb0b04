#include "formats/zip_directory.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/checked_math.h"
#include "formats/byte_cursor.h"
#include "formats/file_faults.h"

namespace longscroll {
namespace {

constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kCentralSignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50;
constexpr uint32_t kLocator64Signature = 0x07064b50;
constexpr uint64_t kEndBytes = 22;
constexpr uint64_t kLocator64Bytes = 20;
constexpr uint64_t kLeastCentralBytes = 46;
constexpr uint64_t kLongestComment = 0xffff;
constexpr uint16_t kFull16 = 0xffff;  // "see the zip64 record"
constexpr uint32_t kFull32 = 0xffffffff;
constexpr uint16_t kEncryptedFlag = 1;
constexpr uint16_t kZip64ExtraId = 1;

struct Directory {
  uint64_t entries = 0;
  uint64_t size = 0;
  uint64_t offset = 0;
};

struct CentralEntry {
  std::string name;
  uint64_t size = 0;
  uint64_t header_offset = 0;
};

struct Extent {
  uint64_t begin = 0;
  uint64_t end = 0;
};

class ZipParser {
 public:
  ZipParser(std::span<const std::byte> bytes, const std::filesystem::path& path)
      : bytes_(bytes), path_(path) {}

  ZipEntries parse() const;

 private:
  uint64_t find_end() const;
  Directory read_directory() const;
  std::optional<Directory> read_directory64(uint64_t end_position) const;
  CentralEntry read_entry(ByteCursor& cursor) const;
  void read_zip64_extra(std::span<const std::byte> extra, CentralEntry& entry, uint64_t& stored) const;
  void check_name(const std::string& name) const;
  Extent locate_data(const CentralEntry& entry, const Directory& directory) const;

  std::span<const std::byte> bytes_;
  const std::filesystem::path& path_;
};

// The end record is the last thing in the file but for a comment whose length it gives.
uint64_t ZipParser::find_end() const {
  const uint64_t size = bytes_.size();
  for (uint64_t comment = 0; comment <= kLongestComment && comment + kEndBytes <= size; ++comment) {
    const uint64_t position = size - kEndBytes - comment;
    ByteCursor cursor(bytes_, path_, position);
    if (cursor.read<uint32_t>("end record") != kEndSignature) continue;
    ByteCursor length(bytes_, path_, position + kEndBytes - 2);
    if (length.read<uint16_t>("end record") == comment) return position;
  }
  throw_bad_file(path_, "a zip archive must end with its directory, found none: truncated?");
}

std::optional<Directory> ZipParser::read_directory64(uint64_t end_position) const {
  if (end_position < kLocator64Bytes) return std::nullopt;
  ByteCursor locator(bytes_, path_, end_position - kLocator64Bytes);
  if (locator.read<uint32_t>("zip64 locator") != kLocator64Signature) return std::nullopt;
  locator.take(4, "zip64 locator");
  ByteCursor record(bytes_, path_, locator.read<uint64_t>("zip64 locator"));
  if (record.read<uint32_t>("zip64 end record") != kEnd64Signature) {
    throw_bad_file(path_, "the zip64 locator must point at the zip64 end record, found something else");
  }
  record.take(8 + 2 + 2 + 4 + 4 + 8, "zip64 end record");  // its size, versions, disks, entries on this disk
  Directory directory;
  directory.entries = record.read<uint64_t>("zip64 end record");
  directory.size = record.read<uint64_t>("zip64 end record");
  directory.offset = record.read<uint64_t>("zip64 end record");
  return directory;
}

Directory ZipParser::read_directory() const {
  const uint64_t end_position = find_end();
  ByteCursor end(bytes_, path_, end_position + 10);  // past signature, disks, entries on this disk
  const auto entries = end.read<uint16_t>("end record");
  const auto size = end.read<uint32_t>("end record");
  const auto offset = end.read<uint32_t>("end record");
  const auto wide = read_directory64(end_position);
  const Directory directory = wide.value_or(Directory{entries, size, offset});
  // Two records that disagree would show two archives to two readers.
  if ((entries != kFull16 && entries != directory.entries) || (size != kFull32 && size != directory.size) ||
      (offset != kFull32 && offset != directory.offset)) {
    throw_bad_file(path_, "the zip and zip64 end records must agree, found two directories");
  }
  const auto directory_end = checked_add(directory.offset, directory.size);
  if (!directory_end || *directory_end > end_position) {
    throw_bad_file(path_,
                   fmt::format("the zip directory must lie before its end record, found {} bytes at {}",
                               directory.size, directory.offset));
  }
  if (directory.entries > directory.size / kLeastCentralBytes) {
    throw_bad_file(path_,
                   fmt::format("the number of zip entries must fit the directory, found {} in {} bytes",
                               directory.entries, directory.size));
  }
  return directory;
}

void ZipParser::read_zip64_extra(std::span<const std::byte> extra, CentralEntry& entry,
                                 uint64_t& stored) const {
  ByteCursor cursor(extra, path_);
  while (cursor.remaining() >= 4) {
    const auto id = cursor.read<uint16_t>("zip extra field");
    const auto length = cursor.read<uint16_t>("zip extra field");
    const auto field = cursor.take(length, "zip extra field");
    if (id != kZip64ExtraId) continue;
    ByteCursor wide(field, path_);
    if (entry.size == kFull32) entry.size = wide.read<uint64_t>("zip64 size");
    if (stored == kFull32) stored = wide.read<uint64_t>("zip64 size");
    if (entry.header_offset == kFull32) entry.header_offset = wide.read<uint64_t>("zip64 offset");
    return;
  }
}

CentralEntry ZipParser::read_entry(ByteCursor& cursor) const {
  constexpr std::string_view kField = "zip directory entry";
  if (cursor.read<uint32_t>(kField) != kCentralSignature) {
    throw_bad_file(path_, "every zip directory entry must begin with its signature, found something else");
  }
  cursor.take(4, kField);  // versions
  const auto flags = cursor.read<uint16_t>(kField);
  const auto method = cursor.read<uint16_t>(kField);
  cursor.take(8, kField);  // time, date, checksum
  uint64_t stored = cursor.read<uint32_t>(kField);
  CentralEntry entry;
  entry.size = cursor.read<uint32_t>(kField);
  const auto name_bytes = cursor.read<uint16_t>(kField);
  const auto extra_bytes = cursor.read<uint16_t>(kField);
  const auto comment_bytes = cursor.read<uint16_t>(kField);
  cursor.take(8, kField);  // disk, attributes
  entry.header_offset = cursor.read<uint32_t>(kField);
  entry.name = cursor.take_text(name_bytes, kField);
  const auto extra = cursor.take(extra_bytes, kField);
  cursor.take(comment_bytes, kField);
  read_zip64_extra(extra, entry, stored);
  check_name(entry.name);
  if ((flags & kEncryptedFlag) != 0) {
    throw_unsupported_file(path_,
                           fmt::format("zip entry {} must not be encrypted, but is", shown_name(entry.name)));
  }
  if (method != 0 || stored != entry.size) {
    throw_unsupported_file(path_,
                           fmt::format("zip entry {} must be stored, found it compressed (method {})",
                                       shown_name(entry.name), method),
                           "torch.save stores; a re-packed archive must be packed without compression");
  }
  return entry;
}

void ZipParser::check_name(const std::string& name) const {
  const bool leaves = name.starts_with('/') || name == ".." || name.starts_with("../") ||
                      name.ends_with("/..") || name.find("/../") != std::string::npos;
  if (name.empty() || leaves || name.find('\\') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    throw_bad_file(path_,
                   fmt::format("zip entries must have plain relative names, found {}", shown_name(name)));
  }
}

Extent ZipParser::locate_data(const CentralEntry& entry, const Directory& directory) const {
  const std::string field = "local header of zip entry " + shown_name(entry.name);
  // Everything that an entry has must lie before the directory.
  const auto body = bytes_.first(directory.offset);
  ByteCursor cursor(body, path_, entry.header_offset);
  if (cursor.read<uint32_t>(field) != kLocalSignature) {
    throw_bad_file(path_, field + " must begin with its signature, found something else");
  }
  cursor.take(22, field);  // all of this is in the directory too, which decides
  const auto name_bytes = cursor.read<uint16_t>(field);
  const auto extra_bytes = cursor.read<uint16_t>(field);
  if (cursor.take_text(name_bytes, field) != entry.name) {
    throw_bad_file(path_, field + " must have the directory's name for it, found another");
  }
  cursor.take(extra_bytes, field);
  const uint64_t begin = cursor.position();
  cursor.take(entry.size, "data of zip entry " + shown_name(entry.name));
  return {begin, cursor.position()};
}

ZipEntries ZipParser::parse() const {
  const Directory directory = read_directory();
  ByteCursor cursor(bytes_.first(directory.offset + directory.size), path_, directory.offset);
  ZipEntries entries;
  std::vector<Extent> extents;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    const CentralEntry entry = read_entry(cursor);
    const Extent data = locate_data(entry, directory);
    extents.push_back({entry.header_offset, data.end});
    if (!entries.emplace(entry.name, bytes_.subspan(data.begin, data.end - data.begin)).second) {
      throw_bad_file(path_,
                     fmt::format("zip entry {} must appear once, found it twice", shown_name(entry.name)));
    }
  }
  std::ranges::sort(extents, {}, &Extent::begin);
  for (size_t i = 1; i < extents.size(); ++i) {
    if (extents[i].begin < extents[i - 1].end) {
      throw_bad_file(path_, fmt::format("zip entries must not overlap, found two at {}", extents[i].begin));
    }
  }
  return entries;
}

}  // namespace

bool looks_like_zip(std::span<const std::byte> bytes) {
  uint32_t signature = 0;
  if (bytes.size() < sizeof(signature)) return false;
  std::memcpy(&signature, bytes.data(), sizeof(signature));
  return signature == kLocalSignature;
}

ZipEntries read_stored_zip(std::span<const std::byte> bytes, const std::filesystem::path& path) {
  return ZipParser(bytes, path).parse();
}

}  // namespace longscroll
