#include "corpus/record_parser.h"

#include <algorithm>
#include <new>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "corpus/line_reader.h"
#include "corpus/text_document.h"
#include "formats/file_faults.h"

namespace longscroll::corpus {
namespace {

static_assert(LineReader::kReadableBehind >= simdjson::SIMDJSON_PADDING, "simdjson reads in blocks");

constexpr size_t kFirstCapacity = size_t{1} << 20;

const char* fault_of(simdjson::error_code error) {
  if (error == simdjson::UTF8_ERROR) return "not-utf8";
  if (error == simdjson::CAPACITY) return "too-long";
  return "not-json";
}

}  // namespace

struct RecordParser::Parser {
  simdjson::dom::parser dom{kMaxLineBytes};
};

RecordParser::RecordParser(size_t max_depth) : parser_(std::make_unique<Parser>()) {
  // The depth is kept when the parser grows for a longer record.
  if (parser_->dom.allocate(kFirstCapacity, max_depth) != simdjson::SUCCESS) throw std::bad_alloc();
}

RecordParser::~RecordParser() = default;

void RecordParser::fail(std::string fault, std::string what) {
  record_.fields.clear();
  record_.fault = std::move(fault);
  record_.what = std::move(what);
}

void RecordParser::check_keys() {
  std::vector<std::string_view> keys;
  for (const RecordField& field : record_.fields) keys.push_back(field.key);
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end()) {
    fail("not-json", fmt::format("must name {} once, found it twice", shown_name(*twice)));
  }
}

const ParsedRecord& RecordParser::parse(std::string_view line) {
  record_ = {};
  simdjson::dom::element root;
  constexpr bool kCopyFirst = false;  // LineReader leaves room behind a line
  const simdjson::error_code error = parser_->dom.parse(line.data(), line.size(), kCopyFirst).get(root);
  if (error == simdjson::MEMALLOC) throw std::bad_alloc();
  if (error != simdjson::SUCCESS) {
    fail(fault_of(error), fmt::format("must be a JSON object, found: {}", simdjson::error_message(error)));
    return record_;
  }
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS) {
    fail("not-json", "must be a JSON object, found another value");
    return record_;
  }
  for (const simdjson::dom::key_value_pair pair : object) {
    RecordField& field = record_.fields.emplace_back();
    field.key = pair.key;
    field.is_text = pair.value.get(field.text) == simdjson::SUCCESS;
    if (!field.is_text) field.json = simdjson::minify(pair.value);
  }
  check_keys();
  return record_;
}

}  // namespace longscroll::corpus
