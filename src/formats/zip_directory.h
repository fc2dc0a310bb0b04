// The files inside a zip archive, as torch.save writes one: every entry stored, none compressed, so that
// each is a piece of the mapped file. Source: PKWARE's APPNOTE, with its zip64 records.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>

namespace longscroll {

bool looks_like_zip(std::span<const std::byte> bytes);

using ZipEntries = std::map<std::string, std::span<const std::byte>, std::less<>>;

// Throws Error(kFile) when the archive is damaged, when entries overlap or have the same name or one that
// leaves the archive, and Error(kUnsupported) for compressed and encrypted entries. Checksums are not
// computed: that would read every weight.
ZipEntries read_stored_zip(std::span<const std::byte> bytes, const std::filesystem::path& path);

}  // namespace longscroll
