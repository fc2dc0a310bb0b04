// What is to be imported, and in which tasks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "corpus/step_folder.h"

namespace longscroll::corpus {

enum class RawKind { kText, kHtml, kRecords, kParquet, kSourceTree };

struct RawFile {
  std::filesystem::path path;  // of a repository its folder
  uint64_t size = 0;           // bytes on disk
  RawKind kind = RawKind::kText;
  std::string source;
  std::string name;  // below the input, with '/': what an id is made of
};

// By its ending; nullopt: of no kind that is read.
std::optional<RawKind> raw_kind(const std::filesystem::path& path);

struct RawFiles {
  std::vector<RawFile> files;
  uint64_t other_kinds = 0;  // files of folders that are left out
};

// In the order of the inputs, of a folder by name. Throws Error(kFile) when an input is missing or there is
// nothing at all; Error(kUnsupported) when a file that is named is of no kind that is read, or only by other
// builds.
RawFiles find_raw_files(const std::vector<std::filesystem::path>& inputs, bool source_trees);

// Runs [begin, end) of files, each up to 64 MiB together or one larger file.
struct FileRun {
  size_t begin = 0;
  size_t end = 0;
  uint64_t size = 0;
};
std::vector<FileRun> group_files(const std::vector<RawFile>& files);

}  // namespace longscroll::corpus
