// A repository as long documents: its files one after the other, what is included before what includes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/faults.h"

namespace longscroll::corpus {

struct SourceFile {
  std::string name;  // below the repository's root, with '/'
  std::string text;  // UTF-8
};

// Positions of `files` in the order in which they are joined: READMEs, then every file behind those that it
// names in lines that include, import or use; where that goes in circles or says nothing, by name. Names are
// looked for by their ends ("base/error.h", `import base.error`, `use base::error`), which is right for most
// languages and exact for none.
std::vector<size_t> dependency_order(const std::vector<SourceFile>& files);

// The text files below `root`, without hidden folders, node_modules and files above 1 MiB, which are data or
// made by programs. A file that is no UTF-8 text is passed over: binaries are no faults. Reading faults go to
// `faults`.
std::vector<SourceFile> read_source_tree(const std::filesystem::path& root, FaultList& faults);

// Each file below a line with its name. A document ends with the file that reaches `most_bytes`.
std::vector<std::string> join_source_files(const std::vector<SourceFile>& files, uint64_t most_bytes);

}  // namespace longscroll::corpus
