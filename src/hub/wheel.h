// One file out of a Python wheel, which is a zip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

namespace longscroll {

// Gives the member's bytes to `sink` piece by piece. Throws Error(kFile) when the archive or the member is
// damaged or missing, or the member unpacks to more than `max_bytes`.
void read_zip_member(const std::filesystem::path& archive, const std::string& member, uint64_t max_bytes,
                     const std::function<void(std::span<const std::byte>)>& sink);

}  // namespace longscroll
