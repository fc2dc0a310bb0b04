// A corpus as it lies on disk: JSONL and text files, single or in folders, one document after the other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/records.h"

namespace longscroll::data {

struct CorpusFiles {
  std::vector<std::filesystem::path> paths;
  uint64_t bytes = 0;                // of all files as they lie on disk
  std::vector<std::string> remarks;  // files of a folder that were left out
};

// Files as they are named; of a folder, and the folders in it, those that are .jsonl or text (.txt, .md),
// each also with .gz or .zst behind it, by name. Throws Error(kFile): a path is missing or holds no such
// file; Error(kUnsupported): a file that is named and is of another kind.
CorpusFiles find_corpus_files(const std::vector<std::filesystem::path>& paths);
// The same for records: .jsonl and .json.
CorpusFiles find_record_files(const std::vector<std::filesystem::path>& paths);

struct CorpusText {
  std::string text;   // UTF-8, not only white space
  std::string place;  // "corpus.jsonl line 7", "essay.txt"
};

// A record's document is the text in one field of it; a text file is one document, in any encoding that can
// be told where it is not compressed. In memory for one document. Not thread safe. Throws as RecordReader and
// read_document do.
class CorpusReader {
 public:
  CorpusReader(std::vector<std::filesystem::path> files, std::string text_field);

  std::optional<CorpusText> next();

  uint64_t position() const;                 // bytes of the files on disk
  uint64_t empty() const { return empty_; }  // documents without text, left out
  std::vector<std::string> remarks() const;  // encodings other than UTF-8, and what was assumed

 private:
  std::optional<CorpusText> next_in_file();
  CorpusText read_text_file(const std::filesystem::path& path);

  std::vector<std::filesystem::path> files_;
  std::string text_field_;
  size_t next_file_ = 0;
  std::unique_ptr<RecordReader> records_;  // of a file under way
  uint64_t bytes_before_ = 0;
  uint64_t empty_ = 0;
  struct Encoded {
    uint64_t files = 0;
    std::string first;
  };
  std::map<std::string, Encoded> encodings_;  // of text files, other than UTF-8
  std::vector<std::string> remarks_;
};

}  // namespace longscroll::data
