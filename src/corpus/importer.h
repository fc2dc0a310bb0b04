// Raw files to document shards: text, web pages, JSON records, repositories.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "corpus/step_folder.h"
#include "formats/settings.h"

namespace longscroll::corpus {

struct ImportSettings {
  // What documents are counted under: this; else what a record says in `source_field`; else the name of the
  // input folder or, without its endings, file.
  std::string source;
  std::string text_field = "text";  // of JSON records and Parquet rows
  std::string id_field = "id";
  std::string source_field = "source";
  uint64_t shard_bytes = uint64_t{128} << 20;  // of text: a shard ends with the document that reaches so many
  bool source_trees = false;                   // the folders inside of each input are repositories
};

// Keys are "import.source", …. `settings` must outlive the fields.
std::vector<SettingField> fields_of(ImportSettings& settings);

// Inputs are files and folders: .jsonl, .txt, .md, .html, .htm, .xhtml, each also with .gz or .zst, and,
// where the program was built with Arrow, .parquet. Files of other kinds are counted in the manifest under
// "other_kinds". Ids are a record's own, or made of source and place; one that came before in the same task
// gets its place behind it, and is a fault that costs nothing. Throws Error(kFile): an input is missing or
// there is nothing to import; else as StepFolder and DocumentWriter do.
Json import_corpus(const StepRequest& request, const ImportSettings& settings,
                   const data::ReadEvents& events);

}  // namespace longscroll::corpus
