#include "corpus/source_tree.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <optional>
#include <queue>
#include <set>
#include <system_error>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "data/byte_source.h"

namespace longscroll::corpus {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxFileBytes = uint64_t{1} << 20;
constexpr size_t kMaxLineLength = 400;  // longer ones are no lines that a person wrote to include something
constexpr std::array<std::string_view, 8> kIncluding = {"#include", "import ", "from ",    "use ",
                                                        "mod ",     "require", "#import ", "include "};

bool is_text(std::string_view bytes) {
  return bytes.find('\0') == std::string_view::npos && is_valid_utf8(bytes);
}

std::string without_extension(std::string_view name) {
  const size_t dot = name.rfind('.');
  const size_t slash = name.rfind('/');
  const bool has_extension =
      dot != std::string_view::npos && (slash == std::string_view::npos || dot > slash + 1);
  return std::string(has_extension ? name.substr(0, dot) : name);
}

bool is_readme(std::string_view name) {
  std::string last(name.substr(name.rfind('/') + 1));  // npos + 1 is 0: the whole
  std::transform(last.begin(), last.end(), last.begin(), [](unsigned char c) { return std::tolower(c); });
  return last.starts_with("readme");
}

// Files by every end of their names, whole and without extension: "src/base/error.h", "base/error",
// "error.h".
class FilesByEnd {
 public:
  explicit FilesByEnd(const std::vector<SourceFile>& files) {
    for (size_t i = 0; i < files.size(); ++i) {
      add(files[i].name, i);
      add(without_extension(files[i].name), i);
    }
  }

  // Nothing when several files have that end: a guess would be as often wrong as right.
  std::optional<size_t> find(const std::string& end) const {
    const auto it = files_.find(end);
    if (it == files_.end() || it->second == kSeveral) return std::nullopt;
    return it->second;
  }

 private:
  static constexpr size_t kSeveral = static_cast<size_t>(-1);

  void add(const std::string& name, size_t file) {
    for (size_t at = 0; at != std::string::npos; at = name.find('/', at)) {
      if (at > 0) ++at;
      const auto [it, is_new] = files_.emplace(name.substr(at), file);
      if (!is_new && it->second != file) it->second = kSeveral;
    }
  }

  std::unordered_map<std::string, size_t> files_;
};

bool is_part_of_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '/' || c == '.' ||
         c == ':';
}

// A word of an including line, as an end of a path: "./x/y.js" is x/y.js, a::b is a/b.
std::string as_path(std::string_view word) {
  while (word.starts_with("./") || word.starts_with("../")) word.remove_prefix(word.find('/') + 1);
  std::string path;
  for (const char c : word) {
    if (c != ':') {
      path += c;
    } else if (path.empty() || path.back() != '/') {
      path += '/';
    }
  }
  while (!path.empty() && (path.back() == '/' || path.back() == '.')) path.pop_back();
  return path;
}

std::string dots_as_slashes(std::string path) {
  std::replace(path.begin(), path.end(), '.', '/');
  return path;
}

// Words of a line, with what "from a import b" names: a and a/b.
std::vector<std::string> named_in(std::string_view line) {
  std::vector<std::string> names;
  std::string module;
  for (size_t at = 0; at < line.size();) {
    size_t end = at;
    while (end < line.size() && is_part_of_name(line[end])) ++end;
    if (end > at) {
      const std::string path = as_path(line.substr(at, end - at));
      names.push_back(path);
      names.push_back(dots_as_slashes(path));
      if (!module.empty()) names.push_back(module + "/" + path);
      if (names.size() >= 4 && names[0] == "from" && module.empty()) module = names[3];
    }
    at = end + 1;
  }
  return names;
}

bool includes_something(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos || line.size() > kMaxLineLength) return false;
  const std::string_view rest = line.substr(first);
  const bool begins = std::any_of(kIncluding.begin(), kIncluding.end(),
                                  [&](std::string_view word) { return rest.starts_with(word); });
  return begins || rest.find("require(") != std::string_view::npos;
}

std::set<size_t> needed_by(size_t file, const std::vector<SourceFile>& files, const FilesByEnd& by_end) {
  std::set<size_t> needed;
  const std::string_view text = files[file].text;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    if (!includes_something(line)) continue;
    for (const std::string& name : named_in(line)) {
      const std::optional<size_t> found = by_end.find(name);
      if (found && *found != file) needed.insert(*found);
    }
  }
  return needed;
}

}  // namespace

std::vector<size_t> dependency_order(const std::vector<SourceFile>& files) {
  const FilesByEnd by_end(files);
  std::vector<std::set<size_t>> waits_for(files.size());
  std::vector<std::vector<size_t>> waited_for_by(files.size());
  for (size_t i = 0; i < files.size(); ++i) {
    if (!is_readme(files[i].name)) waits_for[i] = needed_by(i, files, by_end);
    for (const size_t needed : waits_for[i]) waited_for_by[needed].push_back(i);
  }
  const auto key = [&](size_t i) {
    return std::pair(!is_readme(files[i].name), std::string_view(files[i].name));
  };
  const auto later = [&](size_t a, size_t b) { return key(b) < key(a); };
  std::priority_queue<size_t, std::vector<size_t>, decltype(later)> ready(later), all(later);
  std::vector<uint8_t> taken(files.size(), 0);
  for (size_t i = 0; i < files.size(); ++i) {
    all.push(i);
    if (waits_for[i].empty()) ready.push(i);
  }
  std::vector<size_t> order;
  while (order.size() < files.size()) {
    std::priority_queue<size_t, std::vector<size_t>, decltype(later)>& from = ready.empty() ? all : ready;
    const size_t next = from.top();
    from.pop();
    if (taken[next] != 0) continue;
    taken[next] = 1;
    order.push_back(next);
    for (const size_t waiting : waited_for_by[next]) {
      waits_for[waiting].erase(next);
      if (waits_for[waiting].empty() && taken[waiting] == 0) ready.push(waiting);
    }
  }
  return order;
}

std::vector<SourceFile> read_source_tree(const fs::path& root, FaultList& faults) {
  std::vector<fs::path> paths;
  std::error_code fault;
  for (fs::recursive_directory_iterator it(root, fault), end; !fault && it != end; it.increment(fault)) {
    std::error_code ignored;
    const std::string name = it->path().filename().string();
    if (it->is_directory(ignored) && (name.starts_with('.') || name == "node_modules")) {
      it.disable_recursion_pending();
    } else if (it->is_regular_file(ignored) && it->file_size(ignored) <= kMaxFileBytes) {
      paths.push_back(it->path());
    }
  }
  if (fault) faults.add({"unreadable", root.filename().string(), 0, fault.message()});
  std::sort(paths.begin(), paths.end());
  std::vector<SourceFile> files;
  for (const fs::path& path : paths) {
    const std::string name = path.lexically_relative(root).generic_string();
    if (path.extension() == ".gz" || path.extension() == ".zst") continue;
    try {
      std::string text = data::read_bytes(path, kMaxFileBytes);
      if (!text.empty() && is_text(text)) files.push_back({name, std::move(text)});
    } catch (const Error& error) {
      faults.add(name, error);
    }
  }
  return files;
}

std::vector<std::string> join_source_files(const std::vector<SourceFile>& files, uint64_t most_bytes) {
  std::vector<std::string> documents;
  for (const size_t i : dependency_order(files)) {
    if (documents.empty() || documents.back().size() >= most_bytes) documents.emplace_back();
    std::string& document = documents.back();
    if (!document.empty()) document += '\n';
    document += fmt::format("{}:\n\n{}", files[i].name, files[i].text);
    if (document.back() != '\n') document += '\n';
  }
  return documents;
}

}  // namespace longscroll::corpus
