#include "corpus/importer.h"

#include <xxhash.h>

#include <atomic>
#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "base/white_space.h"
#include "corpus/document_writer.h"
#include "corpus/html_text.h"
#include "corpus/line_reader.h"
#include "corpus/parquet_reader.h"
#include "corpus/raw_files.h"
#include "corpus/record_parser.h"
#include "corpus/source_tree.h"
#include "data/byte_source.h"
#include "library/document.h"

namespace longscroll::corpus {
namespace {

constexpr uint64_t kMaxRepositoryBytes = kMaxTextBytes / 2;  // a document of one ends there

// A text of a record's field as it may stand in an id: a number's digits, a text itself.
std::string id_of(const RecordField& field) {
  if (field.is_text) return std::string(field.text);
  const bool is_number =
      !field.json.empty() && (field.json[0] == '-' || (field.json[0] >= '0' && field.json[0] <= '9'));
  return is_number ? field.json : "";
}

// One task: a run of files to shards of its own.
class ImportTask {
 public:
  ImportTask(const StepFolder& folder, const ImportSettings& settings, size_t task,
             const std::atomic<bool>* cancel)
      : folder_(folder), settings_(settings), task_(task), cancel_(cancel) {}

  void take(const RawFile& file) {
    try {
      switch (file.kind) {
        case RawKind::kText:
          return take_text(file);
        case RawKind::kHtml:
          return take_html(file);
        case RawKind::kRecords:
          return take_records(file);
        case RawKind::kParquet:
          return take_parquet(file);
        case RawKind::kSourceTree:
          return take_source_tree(file);
      }
    } catch (const Error& error) {
      // The disk's faults and Ctrl-C end the step; a file's faults cost the file.
      if (error.kind() != ErrorKind::kFile && error.kind() != ErrorKind::kUnsupported) throw;
      report_.faults.add(file.name, error);
    }
  }

  StepReport finish() {
    if (writer_) end_shard();
    return std::move(report_);
  }

 private:
  std::string source_of(const RawFile& file) const {
    return settings_.source.empty() ? file.source : settings_.source;
  }

  void take_text(const RawFile& file) {
    std::string bytes = data::read_bytes(file.path, kMaxTextBytes);
    if (strip_python_space(bytes).empty()) return no_text(file, 0);
    Document decoded = decode_document(std::move(bytes), file.name);
    if (decoded.encoding != "UTF-8") ++report_.changes["read as " + decoded.encoding];
    add(file, 0, {"", source_of(file), std::move(decoded.text), json_text(place_of(file, 0))});
  }

  void take_html(const RawFile& file) {
    const std::string bytes = data::read_bytes(file.path, kMaxTextBytes);
    std::string text = html_to_text(decode_html(bytes, file.name));
    if (text.empty()) return no_text(file, 0);
    add(file, 0, {"", source_of(file), std::move(text), json_text(place_of(file, 0))});
  }

  void take_source_tree(const RawFile& file) {
    const std::vector<SourceFile> files = read_source_tree(file.path, report_.faults);
    const std::vector<std::string> documents = join_source_files(files, kMaxRepositoryBytes);
    if (documents.empty()) return no_text(file, 0);
    for (size_t i = 0; i < documents.size(); ++i) {
      std::string id = fmt::format("{}/{}", source_of(file), file.name);
      if (i > 0) id += fmt::format("#{}", i + 1);
      const std::string meta = with_field(json_text(place_of(file, 0)), "kind", "code");
      add(file, 0, {std::move(id), source_of(file), documents[i], meta});
    }
  }

  void take_records(const RawFile& file) {
    LineReader lines(file.path, kMaxLineBytes);
    while (const std::optional<Line> line = lines.next()) {
      check_cancelled(cancel_, file.name);
      if (line->too_long) {
        report_.faults.add({"too-long", file.name, line->number,
                            fmt::format("must be at most {} MiB, found more", kMaxLineBytes >> 20)});
        continue;
      }
      take_parsed(file, line->number, parser_.parse(line->text));
    }
  }

  void take_parquet(const RawFile& file) {
    ParquetEvents events;
    events.row = [&](uint64_t row, const ParsedRecord& record) {
      check_cancelled(cancel_, file.name);
      take_parsed(file, row, record);
    };
    events.left_out = [&](const std::string& type) { ++report_.changes["columns left out: " + type]; };
    read_parquet(file.path, settings_.text_field, events);
  }

  void take_parsed(const RawFile& file, uint64_t line, const ParsedRecord& record) {
    if (record.fault.empty()) return take_record(file, line, record);
    report_.faults.add({record.fault, file.name, line, record.what});
  }

  void take_record(const RawFile& file, uint64_t line, const ParsedRecord& record) {
    TextDocument document{"", source_of(file), "", ""};
    Json meta = Json::object();
    for (const RecordField& field : record.fields) {
      if (field.key == settings_.text_field && field.is_text) {
        document.text = field.text;
      } else if (field.key == settings_.id_field) {
        document.id = id_of(field);
      } else if (field.key == settings_.source_field && field.is_text && settings_.source.empty()) {
        if (!field.text.empty()) document.source = field.text;
      } else if (field.key == "meta" && !field.is_text && field.json.front() == '{') {
        meta.update(parse_json(field.json));
      } else {
        meta[std::string(field.key)] = field.is_text ? Json(std::string(field.text)) : parse_json(field.json);
      }
    }
    if (strip_python_space(document.text).empty()) return no_text(file, line);
    meta.update(place_of(file, line));
    document.meta = json_text(meta);
    add(file, line, std::move(document));
  }

  static Json place_of(const RawFile& file, uint64_t line) {
    Json place = {{"file", file.name}};
    if (line > 0) place["line"] = line;
    return place;
  }

  static std::string place_in_words(const RawFile& file, uint64_t line) {
    return line == 0 ? file.name : fmt::format("{}:{}", file.name, line);
  }

  void no_text(const RawFile& file, uint64_t line) {
    report_.faults.add(
        {"no-text", file.name, line,
         line == 0 ? std::string("must hold text, found none")
                   : fmt::format("must have a text in the field {}, found none", settings_.text_field)});
  }

  void add(const RawFile& file, uint64_t line, TextDocument document) {
    check_cancelled(cancel_, file.name);
    const std::string place = replace_invalid_utf8(place_in_words(file, line));
    if (document.text.size() > kMaxTextBytes) {
      return report_.faults.add({"too-long", file.name, line,
                                 fmt::format("must have at most {} MiB of text, found {} bytes",
                                             kMaxTextBytes >> 20, document.text.size())});
    }
    if (document.id.empty()) document.id = fmt::format("{}/{}", document.source, place);
    if (!ids_.insert(XXH3_64bits(document.id.data(), document.id.size())).second) {
      report_.faults.add(
          {"duplicate-id", file.name, line,
           fmt::format("must have an id of its own; {} is taken as {}@{}", document.id, document.id, place)});
      document.id += "@" + place;
    }
    if (!writer_) begin_shard();
    report_.in[document.source].add(document.text.size());
    report_.out[document.source].add(document.text.size());
    writer_->add(document);
    if (writer_->text_bytes() >= settings_.shard_bytes) end_shard();
  }

  void begin_shard() {
    const std::string name = fmt::format("{:06}-{:03}{}", task_, report_.shards.size(), kShardEnding);
    try {
      writer_ = std::make_unique<DocumentWriter>(folder_.path() / name);
    } catch (const Error& error) {  // not the input's fault: the step ends
      throw Error(ErrorKind::kResource, error.where(), "must be writable, is not", error.what());
    }
    report_.shards.push_back({name, 0, 0});
  }

  void end_shard() {
    report_.shards.back().documents = writer_->documents();
    report_.shards.back().bytes = writer_->text_bytes();
    writer_->commit();
    writer_.reset();
  }

  const StepFolder& folder_;
  const ImportSettings& settings_;
  size_t task_;
  const std::atomic<bool>* cancel_;
  RecordParser parser_{kMaxDepth - 2};
  std::unordered_set<uint64_t> ids_;  // hashes of them
  std::unique_ptr<DocumentWriter> writer_;
  StepReport report_;
};

std::vector<InputFile> as_inputs(const std::vector<RawFile>& files) {
  std::vector<InputFile> inputs;
  for (const RawFile& file : files) inputs.push_back({file.path, file.size});
  return inputs;
}

}  // namespace

std::vector<SettingField> fields_of(ImportSettings& settings) {
  return {{"import.source", &settings.source},           {"import.text_field", &settings.text_field},
          {"import.id_field", &settings.id_field},       {"import.source_field", &settings.source_field},
          {"import.shard_bytes", &settings.shard_bytes}, {"import.source_trees", &settings.source_trees}};
}

Json import_corpus(const StepRequest& request, const ImportSettings& settings,
                   const data::ReadEvents& events) {
  const RawFiles raw = find_raw_files(request.inputs, settings.source_trees);
  const StepFolder folder(request, "import", describe_settings(settings), as_inputs(raw.files));
  if (folder.is_done()) return folder.manifest();
  const std::vector<FileRun> runs = group_files(raw.files);
  std::vector<uint64_t> sizes;
  for (const FileRun& run : runs) sizes.push_back(run.size);
  const auto take_run = [&](size_t task) {
    ImportTask work(folder, settings, task, events.cancel);
    for (size_t i = runs[task].begin; i < runs[task].end; ++i) work.take(raw.files[i]);
    return work.finish().to_json();
  };
  const StepReport report = merged(folder.run("import", sizes, take_run, events));
  return folder.finish(report, {{"other_kinds", raw.other_kinds}}, events);
}

}  // namespace longscroll::corpus
