#include "corpus/parquet_reader.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include "base/error.h"
#include "base/utf8.h"
#include "corpus/text_document.h"
#include "formats/file_faults.h"

namespace longscroll::corpus {
namespace {

constexpr int64_t kBatchRows = 64;  // of 32 MiB each in the worst case, and within kMostMemory then
constexpr int64_t kStreamBytes = int64_t{64} << 10;  // of a column chunk, read at a time
// What Arrow may take for a file: a page says itself how large it becomes, and is believed up to here.
constexpr uint64_t kLeastMemory = uint64_t{256} << 20;
constexpr uint64_t kMemoryPerByte = 64;  // of the file; texts pack to a tenth at the best
constexpr uint64_t kMostMemory = uint64_t{4} << 30;

[[noreturn]] void throw_bad_parquet(const std::filesystem::path& path, const std::string& found) {
  throw_bad_file(path, "must be a whole Parquet file, found: " + shown_name(found));
}

// What Arrow says or throws is the file's fault.
template <typename Call>
auto of_arrow(const std::filesystem::path& path, const Call& call) {
  try {
    auto result = call();
    if (!result.ok()) throw_bad_parquet(path, result.status().message());
    return std::move(result).ValueUnsafe();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& fault) {
    throw_bad_parquet(path, fault.what());
  }
}

// How a column's values stand in a record.
enum class Values { kText, kBytes, kJson, kReal, kWords, kNone };

Values values_of(const arrow::DataType& type) {
  using arrow::Type;
  if (type.id() == Type::DICTIONARY) {
    return values_of(*static_cast<const arrow::DictionaryType&>(type).value_type());
  }
  if (arrow::is_string_or_string_view(type.id())) return Values::kText;
  if (arrow::is_binary_or_binary_view(type.id())) return Values::kBytes;
  if (type.id() == Type::BOOL || arrow::is_integer(type.id())) return Values::kJson;
  if (arrow::is_floating(type.id())) return Values::kReal;
  if (arrow::is_temporal(type.id()) || arrow::is_decimal(type.id())) return Values::kWords;
  return type.id() == Type::NA ? Values::kJson : Values::kNone;  // NA: every value is null
}

struct Column {
  std::string name;
  Values values = Values::kNone;
  int index = 0;  // among the file's leaves
};

class ParquetFile {
 public:
  explicit ParquetFile(const std::filesystem::path& path)
      : path_(path), capped_(&counted_, most_memory(path)) {
    reader_ = of_arrow(path_, [&]() -> arrow::Result<std::unique_ptr<parquet::arrow::FileReader>> {
      ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path_.string(), &capped_));
      parquet::ReaderProperties properties(&capped_);
      properties.enable_buffered_stream();  // else each column chunk is read whole
      properties.set_buffer_size(kStreamBytes);
      properties.set_page_checksum_verification(true);
      parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/false);
      arrow_properties.set_batch_size(kBatchRows);
      arrow_properties.set_pre_buffer(false);
      parquet::arrow::FileReaderBuilder builder;
      ARROW_RETURN_NOT_OK(builder.Open(std::move(file), properties));
      return builder.memory_pool(&capped_)->properties(arrow_properties)->Build();
    });
  }

  // To be called before anything is read.
  void choose_columns(const std::string& text_field, const ParquetEvents& events) {
    std::set<std::string> names;
    for (const parquet::arrow::SchemaField& field : reader_->manifest().schema_fields) {
      const std::string& name = field.field->name();
      if (!names.insert(name).second) throw_bad_parquet(path_, "two columns " + name);
      Column column{name, field.is_leaf() ? values_of(*field.field->type()) : Values::kNone,
                    field.column_index};
      if (name == text_field) {
        // Older writers leave it open whether bytes are text.
        if (column.values == Values::kBytes) column.values = Values::kText;
        if (column.values != Values::kText) throw_no_text(text_field, field.field->type()->name());
      }
      if (column.values == Values::kNone || column.values == Values::kBytes) {
        events.left_out(field.field->type()->name());
      } else {
        columns_.push_back(std::move(column));
        indices_.push_back(field.column_index);
      }
    }
    if (!names.contains(text_field)) throw_no_text(text_field, "none");
  }

  int groups() const { return reader_->num_row_groups(); }

  // The rows that the group is said to have.
  uint64_t begin_group(int group) {
    const int64_t rows = of_arrow(path_, [&]() -> arrow::Result<int64_t> {
      return reader_->parquet_reader()->metadata()->RowGroup(group)->num_rows();
    });
    if (rows < 0) throw_bad_parquet(path_, fmt::format("{} rows", rows));
    batches_ = of_arrow(path_, [&] { return reader_->GetRecordBatchReader({group}, indices_); });
    return static_cast<uint64_t>(rows);
  }

  // Null at the group's end.
  std::shared_ptr<arrow::RecordBatch> next_batch() {
    return of_arrow(path_, [&] { return batches_->Next(); });
  }

  const std::vector<Column>& columns() const { return columns_; }

  std::shared_ptr<arrow::Scalar> value(const arrow::RecordBatch& batch, size_t column, int64_t row) const {
    return of_arrow(path_, [&]() -> arrow::Result<std::shared_ptr<arrow::Scalar>> {
      ARROW_ASSIGN_OR_RAISE(auto value, batch.column(static_cast<int>(column))->GetScalar(row));
      if (value->type->id() != arrow::Type::DICTIONARY) return value;
      return static_cast<const arrow::DictionaryScalar&>(*value).GetEncodedValue();
    });
  }

 private:
  static int64_t most_memory(const std::filesystem::path& path) {
    std::error_code ignored;
    const uintmax_t size = std::filesystem::file_size(path, ignored);
    const uint64_t bytes = ignored ? 0 : std::min<uint64_t>(size, kMostMemory / kMemoryPerByte);
    return static_cast<int64_t>(std::min(kLeastMemory + kMemoryPerByte * bytes, kMostMemory));
  }

  [[noreturn]] void throw_no_text(const std::string& text_field, const std::string& found) const {
    throw_bad_file(path_,
                   fmt::format("must have a column {} of texts, found {}", shown_name(text_field), found),
                   "text_field names the column with the text");
  }

  std::filesystem::path path_;
  arrow::ProxyMemoryPool counted_{arrow::default_memory_pool()};  // this file's own share
  arrow::CappedMemoryPool capped_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  std::vector<Column> columns_;
  std::vector<int> indices_;
};

// One row at a time.
class RowReader {
 public:
  explicit RowReader(const ParquetFile& file) : file_(file) {}

  const ParsedRecord& read(const arrow::RecordBatch& batch, int64_t row) {
    record_ = {};
    values_.clear();
    size_t bytes = 0;
    for (size_t i = 0; i < file_.columns().size() && record_.fault.empty(); ++i) {
      const std::shared_ptr<arrow::Scalar> value = file_.value(batch, i, row);
      if (value->is_valid) bytes += add(file_.columns()[i], value);
      if (bytes > kMaxLineBytes) {
        fail("too-long", fmt::format("must be at most {} MiB, found more", kMaxLineBytes >> 20));
      }
    }
    return record_;
  }

 private:
  // The value's bytes.
  size_t add(const Column& column, const std::shared_ptr<arrow::Scalar>& value) {
    RecordField field;
    field.key = column.name;
    if (column.values == Values::kText) {
      field.is_text = true;
      field.text = static_cast<const arrow::BaseBinaryScalar&>(*value).view();
      if (!is_valid_utf8(field.text)) {
        fail("not-utf8", fmt::format("must have UTF-8 in {}, found other bytes", shown_name(column.name)));
        return 0;
      }
      values_.push_back(value);
    } else {
      field.json = value->ToString();
      // JSON has no infinity and no NaN: as null, they are left out.
      if (column.values == Values::kReal && field.json.find('n') != std::string::npos) return 0;
      if (column.values == Values::kWords) field.json = json_text(field.json);
    }
    const size_t bytes = field.is_text ? field.text.size() : field.json.size();
    record_.fields.push_back(std::move(field));
    return bytes;
  }

  void fail(const char* fault, std::string what) {
    record_.fields.clear();
    record_.fault = fault;
    record_.what = std::move(what);
  }

  const ParquetFile& file_;
  ParsedRecord record_;
  std::vector<std::shared_ptr<arrow::Scalar>> values_;  // whose bytes the record's texts are
};

}  // namespace

void require_parquet(const std::filesystem::path&) {}

void read_parquet(const std::filesystem::path& path, const std::string& text_field,
                  const ParquetEvents& events) {
  ParquetFile file(path);
  file.choose_columns(text_field, events);
  RowReader rows(file);
  uint64_t row = 0;
  for (int group = 0; group < file.groups(); ++group) {
    const uint64_t first = row;
    const uint64_t said = file.begin_group(group);
    while (const std::shared_ptr<arrow::RecordBatch> batch = file.next_batch()) {
      for (int64_t i = 0; i < batch->num_rows(); ++i) events.row(++row, rows.read(*batch, i));
    }
    // Columns that end early end the reading without a word.
    if (row - first != said) {
      throw_bad_parquet(path, fmt::format("{} rows of {} in row group {}", row - first, said, group));
    }
  }
}

}  // namespace longscroll::corpus
