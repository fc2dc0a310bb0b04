#include "corpus/raw_files.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "corpus/parquet_reader.h"
#include "formats/file_faults.h"

namespace longscroll::corpus {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kTaskBytes = uint64_t{64} << 20;
constexpr const char* kKinds = ".jsonl, .txt, .md, .html, .htm, .xhtml (or these with .gz, .zst), .parquet";

fs::path unpacked_name(const fs::path& path) {
  return path.extension() == ".gz" || path.extension() == ".zst" ? path.stem() : path.filename();
}

// "raw/books/" and "raw/books" are both books; "." is the folder's own name.
std::string name_of_input(const fs::path& input) {
  fs::path whole = fs::absolute(input).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  std::string name = whole.filename().string();
  return name.empty() ? "corpus" : name;
}

uint64_t size_of(const fs::path& path) {
  std::error_code ignored;
  const uintmax_t size = fs::file_size(path, ignored);
  return ignored ? 0 : size;
}

uint64_t size_of_tree(const fs::path& folder) {
  uint64_t size = 0;
  std::error_code fault;
  for (fs::recursive_directory_iterator it(folder, fault), end; !fault && it != end; it.increment(fault)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored)) size += size_of(it->path());
  }
  return size;
}

void add_source_trees(const fs::path& input, RawFiles& found) {
  std::vector<fs::path> folders;
  std::error_code fault;
  for (fs::directory_iterator it(input, fault), end; !fault && it != end; it.increment(fault)) {
    std::error_code ignored;
    if (it->is_directory(ignored)) folders.push_back(it->path());
  }
  if (fault)
    throw_bad_file(input, fmt::format("must be a folder of repositories, found: {}", fault.message()));
  std::sort(folders.begin(), folders.end());
  for (const fs::path& folder : folders) {
    found.files.push_back({folder, size_of_tree(folder), RawKind::kSourceTree, name_of_input(input),
                           folder.filename().string()});
  }
}

void add_folder(const fs::path& input, RawFiles& found) {
  std::vector<RawFile> inside;
  std::error_code fault;
  for (fs::recursive_directory_iterator it(input, fault), end; !fault && it != end; it.increment(fault)) {
    std::error_code ignored;
    if (it->is_directory(ignored)) continue;
    const std::optional<RawKind> kind = it->is_regular_file(ignored) ? raw_kind(it->path()) : std::nullopt;
    if (!kind) {
      ++found.other_kinds;
      continue;
    }
    inside.push_back({it->path(), size_of(it->path()), *kind, name_of_input(input),
                      it->path().lexically_relative(input).generic_string()});
  }
  if (fault) throw_bad_file(input, fmt::format("must be readable, found: {}", fault.message()));
  std::sort(inside.begin(), inside.end(), [](const RawFile& a, const RawFile& b) { return a.name < b.name; });
  found.files.insert(found.files.end(), inside.begin(), inside.end());
}

void add_file(const fs::path& input, RawFiles& found) {
  const std::optional<RawKind> kind = raw_kind(input);
  if (!kind) throw_unsupported_file(input, fmt::format("must end in {}, found another kind", kKinds));
  if (*kind == RawKind::kParquet) require_parquet(input);
  found.files.push_back(
      {input, size_of(input), *kind, unpacked_name(input).stem().string(), input.filename().string()});
}

}  // namespace

std::optional<RawKind> raw_kind(const fs::path& path) {
  if (path.extension() == ".parquet") return RawKind::kParquet;  // packed inside, and read at any place
  const std::string ending = unpacked_name(path).extension().string();
  if (ending == ".txt" || ending == ".md") return RawKind::kText;
  if (ending == ".html" || ending == ".htm" || ending == ".xhtml") return RawKind::kHtml;
  if (ending == ".jsonl") return RawKind::kRecords;
  return std::nullopt;
}

RawFiles find_raw_files(const std::vector<fs::path>& inputs, bool source_trees) {
  RawFiles found;
  for (const fs::path& input : inputs) {
    std::error_code ignored;
    const bool is_folder = fs::is_directory(input, ignored);
    if (!is_folder && !fs::exists(input, ignored)) {
      throw_bad_file(input, "must be a file or a folder, found nothing there");
    }
    if (source_trees) {
      add_source_trees(input, found);
    } else if (is_folder) {
      add_folder(input, found);
    } else {
      add_file(input, found);
    }
  }
  if (found.files.empty()) {
    throw_bad_file(inputs.front(), source_trees ? std::string("must hold folders of repositories, found none")
                                                : fmt::format("must hold files in {}, found none", kKinds));
  }
  return found;
}

std::vector<FileRun> group_files(const std::vector<RawFile>& files) {
  std::vector<FileRun> runs;
  for (size_t i = 0; i < files.size(); ++i) {
    if (runs.empty() || runs.back().size + files[i].size > kTaskBytes) runs.push_back({i, i, 0});
    runs.back().end = i + 1;
    runs.back().size += files[i].size;
  }
  return runs;
}

}  // namespace longscroll::corpus
