#include "corpus/document_reader.h"

#include <optional>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "formats/file_faults.h"

namespace longscroll::corpus {
namespace {

// Puts a field where it belongs; what it must be when it is something else, empty when all is well.
std::string put(const RecordField& field, TextDocument& document) {
  if (field.key == "meta") {
    if (field.is_text || field.json.front() != '{') return "must have an object in meta, found another value";
    document.meta = field.json;
    return "";
  }
  std::string* place = nullptr;
  if (field.key == "id") place = &document.id;
  if (field.key == "source") place = &document.source;
  if (field.key == "text") place = &document.text;
  if (place == nullptr) return "";
  if (!field.is_text || field.text.empty()) {
    return fmt::format("must have a text in {}, found {}", field.key,
                       field.is_text ? "an empty one" : field.json);
  }
  *place = field.text;
  return "";
}

}  // namespace

DocumentReader::DocumentReader(const std::filesystem::path& path, FaultList& faults)
    : file_(path.filename().string()), faults_(faults) {
  try {
    lines_ = std::make_unique<LineReader>(path, kMaxLineBytes);
  } catch (const Error& error) {
    faults_.add(file_, error);
  }
}

bool DocumentReader::fail(const Line& line, std::string kind, std::string what) {
  faults_.add({std::move(kind), file_, line.number, std::move(what)});
  return false;
}

bool DocumentReader::take(const Line& line, TextDocument& document) {
  if (line.too_long) {
    return fail(line, "too-long", fmt::format("must be at most {} MiB, found more", kMaxLineBytes >> 20));
  }
  const ParsedRecord& record = parser_.parse(line.text);
  if (!record.fault.empty()) return fail(line, record.fault, record.what);
  document = {};
  for (const RecordField& field : record.fields) {
    const std::string wrong = put(field, document);
    if (!wrong.empty()) return fail(line, "no-document", wrong);
  }
  for (const auto& [name, value] : {std::pair("id", &document.id), std::pair("source", &document.source),
                                    std::pair("text", &document.text)}) {
    if (value->empty())
      return fail(line, "no-document", fmt::format("must have the field {}, found none", name));
  }
  if (document.text.size() > kMaxTextBytes) {
    return fail(line, "too-long",
                fmt::format("must have at most {} MiB of text, found {} bytes", kMaxTextBytes >> 20,
                            document.text.size()));
  }
  if (!ids_.insert(XXH3_64bits(document.id.data(), document.id.size())).second) {
    return fail(line, "duplicate-id",
                fmt::format("must have an id of its own, found {} again", shown_name(document.id)));
  }
  return true;
}

bool DocumentReader::next(TextDocument& document) {
  if (!lines_) return false;
  try {
    while (const std::optional<Line> line = lines_->next()) {
      if (take(*line, document)) return true;
    }
  } catch (const Error& error) {
    faults_.add(file_, error);
  }
  return false;
}

}  // namespace longscroll::corpus
