#include "corpus/parquet_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/io/memory.h>
#include <arrow/json/from_string.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include "corpus/importer.h"
#include "corpus/test_corpus.h"

namespace longscroll::corpus {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

struct TestColumn {
  std::string name;
  std::shared_ptr<arrow::DataType> type;
  std::string values;  // as JSON
};

struct WriteOptions {
  int64_t rows_in_group = 1024;
  bool dictionaries = true;
  parquet::Compression::type compression = parquet::Compression::ZSTD;
};

std::string write_arrays(const std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>>& columns,
                         const WriteOptions& options = {}) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& [name, array] : columns) {
    fields.push_back(arrow::field(name, array->type()));
    arrays.push_back(array);
  }
  parquet::WriterProperties::Builder properties;
  properties.compression(options.compression);
  if (!options.dictionaries) properties.disable_dictionary();
  // Types that Parquet does not have, as dictionaries, are read as they were written.
  const auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  const auto sink = arrow::io::BufferOutputStream::Create().ValueOrDie();
  const arrow::Status written = parquet::arrow::WriteTable(
      *arrow::Table::Make(arrow::schema(fields), arrays), arrow::default_memory_pool(), sink,
      options.rows_in_group, properties.build(), arrow_properties);
  EXPECT_TRUE(written.ok()) << written.ToString();
  return sink->Finish().ValueOrDie()->ToString();
}

std::string write_parquet(const std::vector<TestColumn>& columns, const WriteOptions& options = {}) {
  std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>> arrays;
  for (const auto& [name, type, values] : columns) {
    arrays.emplace_back(name, arrow::json::ArrayFromJSONString(type, values).ValueOrDie());
  }
  return write_arrays(arrays, options);
}

std::string text_column(const std::vector<std::string>& texts) {
  return Json(texts).dump();
}

class Parquet : public testing::Test {
 protected:
  test::ReadShards import_bytes(const std::string& bytes, const ImportSettings& settings = {}) {
    run_import(bytes, settings);
    return test::read_shards(folder_.path() / "out");
  }

  // What is said about a file that costs itself.
  std::string fault_of(const std::string& bytes) {
    run_import(bytes, {});
    EXPECT_EQ(manifest_.at("faults"), (Json{{"unreadable", 1}}));
    const Json faults = Json::parse(test::bytes_of(folder_.path() / "out" / "faults.json"));
    return faults.empty() ? "" : faults[0].at("what").get<std::string>();
  }

  test::TempFolder folder_;
  Json manifest_;

 private:
  void run_import(const std::string& bytes, const ImportSettings& settings) {
    folder_.write("raw/a.parquet", bytes);
    const auto out = folder_.path() / "out";
    std::filesystem::remove_all(out);
    manifest_ = import_corpus(test::request_of(folder_.path() / "raw", out), settings, {});
  }
};

TEST_F(Parquet, RowsBecomeDocumentsAsJsonRecordsDo) {
  const test::ReadShards read =
      import_bytes(write_parquet({{"id", arrow::utf8(), R"(["x", null])"},
                                  {"source", arrow::utf8(), R"(["books", null])"},
                                  {"text", arrow::utf8(), R"(["one", "two"])"},
                                  {"year", arrow::int64(), "[1999, null]"},
                                  {"score", arrow::float32(), "[0.1, 1e30]"},
                                  {"good", arrow::boolean(), "[true, false]"},
                                  {"of", arrow::dictionary(arrow::int32(), arrow::utf8()), R"(["a", "b"])"},
                                  {"day", arrow::date32(), "[10957, null]"},
                                  {"price", arrow::decimal128(5, 2), R"(["1.50", null])"},
                                  {"nothing", arrow::null(), "[null, null]"},
                                  {"vector", arrow::list(arrow::float32()), "[[1, 2], null]"},
                                  {"picture", arrow::binary(), R"(["a", "b"])"}}));
  EXPECT_THAT(read.ids(), ElementsAre("x", "raw/a.parquet:2"));
  EXPECT_EQ(read.documents[0].source, "books");
  EXPECT_EQ(read.documents[0].text, "one");
  EXPECT_EQ(read.documents[0].meta, R"({"year":1999,"score":0.1,"good":true,"of":"a","day":"2000-01-01",)"
                                    R"("price":"1.50","file":"a.parquet","line":1})");
  EXPECT_EQ(read.documents[1].source, "raw");
  EXPECT_EQ(read.documents[1].meta, R"({"score":1e+30,"good":false,"of":"b","file":"a.parquet","line":2})");
  EXPECT_EQ(manifest_.at("changes"), (Json{{"columns left out: binary", 1}, {"columns left out: list", 1}}));
}

TEST_F(Parquet, ReadsEveryRowOfEveryGroupInOrder) {
  std::vector<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.push_back("text " + std::to_string(i));
  const test::ReadShards read =
      import_bytes(write_parquet({{"text", arrow::utf8(), text_column(texts)}}, {.rows_in_group = 150}));
  ASSERT_EQ(read.documents.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(read.documents[i].text, texts[i]);
  EXPECT_EQ(read.documents.back().id, "raw/a.parquet:1000");
}

TEST_F(Parquet, TakesTextInEveryTypeThatHoldsIt) {
  for (const auto& type : {arrow::utf8(), arrow::large_utf8(), arrow::utf8_view(), arrow::binary(),
                           arrow::large_binary(), arrow::dictionary(arrow::int8(), arrow::utf8())}) {
    EXPECT_THAT(
        import_bytes(write_parquet({{"text", type, R"(["one", "zwei ä", "one"])"}})).documents,
        ElementsAre(testing::Field(&TextDocument::text, "one"), testing::Field(&TextDocument::text, "zwei ä"),
                    testing::Field(&TextDocument::text, "one")))
        << type->ToString();
  }
}

TEST_F(Parquet, AFaultCostsItsRow) {
  arrow::StringBuilder texts;
  for (const char* text : {"one", "\xff\xfe", "", " \n"}) ASSERT_TRUE(texts.Append(text).ok());
  ASSERT_TRUE(texts.AppendNull().ok());
  ASSERT_TRUE(texts.Append(std::string(kMaxTextBytes + 1, 'x')).ok());
  ASSERT_TRUE(texts.Append("two").ok());
  const test::ReadShards read =
      import_bytes(write_arrays({{"text", texts.Finish().ValueOrDie()}}, {.dictionaries = false}));
  EXPECT_THAT(read.ids(), ElementsAre("raw/a.parquet:1", "raw/a.parquet:7"));
  EXPECT_EQ(manifest_.at("faults"), (Json{{"no-text", 3}, {"not-utf8", 1}, {"too-long", 1}}));
}

TEST_F(Parquet, ColumnsThatDoNotFitCostTheFile) {
  EXPECT_THAT(
      fault_of(write_parquet({{"body", arrow::utf8(), R"(["one"])"}})),
      AllOf(HasSubstr("a.parquet] must have a column 'text' of texts, found none"), HasSubstr("text_field")));
  EXPECT_THAT(fault_of(write_parquet({{"text", arrow::int64(), "[1]"}})), HasSubstr("found int64"));
  EXPECT_THAT(fault_of(write_parquet({{"text", arrow::list(arrow::utf8()), R"([["one"]])"}})),
              HasSubstr("found list"));
  EXPECT_THAT(
      fault_of(write_parquet({{"text", arrow::utf8(), R"(["one"])"}, {"text", arrow::utf8(), R"(["two"])"}})),
      HasSubstr("two columns text"));
  ImportSettings settings;
  settings.text_field = "body";
  EXPECT_EQ(import_bytes(write_parquet({{"body", arrow::utf8(), R"(["one"])"}}), settings).documents.size(),
            1U);
}

TEST_F(Parquet, WhatIsNoParquetOrCutShortCostsTheFile) {
  EXPECT_THAT(fault_of(""), HasSubstr("a.parquet] must be a whole Parquet file"));
  EXPECT_THAT(fault_of("{\"text\":\"one\"}\n"), HasSubstr("must be a whole Parquet file"));
  const std::string whole = write_parquet({{"text", arrow::utf8(), R"(["one", "two"])"}});
  for (const size_t size : {size_t{4}, whole.size() / 2, whole.size() - 1}) {
    EXPECT_THAT(fault_of(whole.substr(0, size)), HasSubstr("must be a whole Parquet file"));
  }
}

TEST_F(Parquet, WhatCameBeforeADamagedGroupIsKept) {
  const std::string one(1000, 'a'), two(1000, 'b');
  std::string bytes = write_parquet(
      {{"text", arrow::utf8(), text_column({one, two})}},
      {.rows_in_group = 1, .dictionaries = false, .compression = parquet::Compression::UNCOMPRESSED});
  const size_t value = bytes.find(two);
  ASSERT_NE(value, std::string::npos);
  bytes.replace(value - 4, 4, "\xff\xff\xff\x7f");  // the text's length
  EXPECT_EQ(import_bytes(bytes).documents.size(), 1U);
  EXPECT_EQ(manifest_.at("faults"), (Json{{"unreadable", 1}}));
}

// A page's header begins with its kind, its size and its packed size: fields of one byte and a varint.
TEST_F(Parquet, AllocatesNoSizeOnItsWordAlone) {
  std::string bytes = write_parquet({{"text", arrow::utf8(), text_column({test::random_words(1, 5000)})}},
                                    {.dictionaries = false});
  constexpr size_t kSize = 7, kPacked = 11;
  ASSERT_EQ(bytes.substr(4, 3), std::string("\x15\x00\x15", 3));
  ASSERT_EQ(bytes[kPacked - 1], '\x15');
  const std::string two_gib = "\xfe\xff\xff\xff\x0f";
  ASSERT_NE(bytes[kPacked + 1] & 0x7f, 0);
  --bytes[kPacked + 1];  // 64 bytes less, for what the longer size takes from the page
  bytes.replace(kSize, 3, two_gib);
  EXPECT_THAT(fault_of(bytes), HasSubstr("cap"));
}

TEST_F(Parquet, NoByteChangedEndsMoreThanTheFile) {
  const std::string whole = write_parquet({{"id", arrow::utf8(), R"(["x", "y", "z"])"},
                                           {"text", arrow::utf8(), R"(["one", "two", "one"])"},
                                           {"year", arrow::int32(), "[1, null, 3]"}},
                                          {.rows_in_group = 2});
  const ParquetEvents events = {.row = [](uint64_t, const ParsedRecord&) {},
                                .left_out = [](const std::string&) {}};
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const char change : {'\x01', '\x10', '\x80', '\xff'}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      const auto path = folder_.write("changed.parquet", bytes);
      try {
        read_parquet(path, "text", events);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kFile) << at;
      }
    }
  }
}

TEST_F(Parquet, WhatTheEventsThrowPassesThrough) {
  const auto path = folder_.write("a.parquet", write_parquet({{"text", arrow::utf8(), R"(["one"])"}}));
  const ParquetEvents events = {
      .row = [](uint64_t, const ParsedRecord&) { throw std::runtime_error("ours"); },
      .left_out = [](const std::string&) {}};
  EXPECT_THROW(read_parquet(path, "text", events), std::runtime_error);
}

}  // namespace
}  // namespace longscroll::corpus
