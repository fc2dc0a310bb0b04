#include "hub/wheel.h"

#include <fmt/format.h>
#include <zip.h>

#include <memory>
#include <vector>

#include "base/error.h"

namespace longscroll {
namespace {

constexpr size_t kUnpackedChunk = size_t{1} << 18;

struct ZipClose {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

std::unique_ptr<zip_t, ZipClose> open_archive(const std::filesystem::path& path) {
  int code = 0;
  std::unique_ptr<zip_t, ZipClose> archive(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (archive) return archive;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  throw Error(ErrorKind::kFile, path.string(),
              fmt::format("must be a zip archive, and opening it failed: {}", reason));
}

}  // namespace

void read_zip_member(const std::filesystem::path& archive_path, const std::string& member, uint64_t max_bytes,
                     const std::function<void(std::span<const std::byte>)>& sink) {
  const auto archive = open_archive(archive_path);
  const auto refuse = [&](const std::string& what) {
    return Error(ErrorKind::kFile, archive_path.string(), what);
  };
  const zip_int64_t index = zip_name_locate(archive.get(), member.c_str(), ZIP_FL_ENC_GUESS);
  if (index < 0) throw refuse(fmt::format("must hold {}, and does not", member));
  std::unique_ptr<zip_file_t, ZipClose> file(
      zip_fopen_index(archive.get(), static_cast<zip_uint64_t>(index), 0));
  if (!file)
    throw refuse(fmt::format("must hold {}, and it cannot be read: {}", member, zip_strerror(archive.get())));
  std::vector<std::byte> chunk(kUnpackedChunk);
  uint64_t left = max_bytes;
  while (true) {
    const zip_int64_t got = zip_fread(file.get(), chunk.data(), chunk.size());
    if (got < 0) throw refuse(fmt::format("must hold {} whole, and it is damaged", member));
    if (got == 0) return;
    if (static_cast<uint64_t>(got) > left) {
      throw refuse(fmt::format("must hold {} of at most {} bytes, and it is larger", member, max_bytes));
    }
    left -= static_cast<uint64_t>(got);
    sink(std::span(chunk.data(), static_cast<size_t>(got)));
  }
}

}  // namespace longscroll
