#include "formats/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include <fmt/format.h>

#include "base/error.h"
#include "formats/test_files.h"

namespace longscroll {
namespace {

using test::GgufParts;
using test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;

template <typename Body>
std::string message_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(GgufReader, ReadsAFileBuiltByHand) {
  const TempFolder folder;
  const GgufFile file(folder.write("hand.gguf", GgufParts{}.bytes()));
  EXPECT_EQ(file.version(), 3u);
  EXPECT_EQ(file.get_string("general.architecture"), "llama");
  EXPECT_EQ(file.get_uint("n"), 7u);
  ASSERT_EQ(file.tensors().size(), 2u);
  const TensorView* a = file.find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_THAT(a->shape, ElementsAre(2, 3));  // outermost first: the file has 3, 2
  EXPECT_EQ(a->dtype, DType::kF32);
  EXPECT_THAT(test::floats_of(a->data), ElementsAre(0, 1, 2, 3, 4, 5));
  const TensorView* b = file.find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->type_name, "Q8_0");
  ASSERT_EQ(b->data.size(), 34u);
  EXPECT_EQ(static_cast<int>(b->data[1]), 0x3c);
  EXPECT_EQ(file.find("c"), nullptr);
}

TEST(GgufReader, ReadsVersion2AndWidensEveryScalarType) {
  const TempFolder folder;
  GgufParts parts;
  parts.version = 2;
  using test::gguf_entry;
  parts.entries = {gguf_entry("u8", 0, test::u8(200)),
                   gguf_entry("i8", 1, test::u8(0xff)),
                   gguf_entry("u16", 2, test::u16(60000)),
                   gguf_entry("i16", 3, test::u16(0xfffe)),
                   gguf_entry("i32", 5, test::u32(0xfffffffd)),
                   gguf_entry("f32", 6, test::f32(0.5f)),
                   gguf_entry("bool", 7, test::u8(1)),
                   gguf_entry("u64", 10, test::u64(1ull << 63)),
                   gguf_entry("i64", 11, test::little_endian(int64_t{-5})),
                   gguf_entry("f64", 12, test::little_endian(1e300))};
  const GgufFile file(folder.write("v2.gguf", parts.bytes()));
  EXPECT_EQ(file.version(), 2u);
  EXPECT_EQ(file.get_uint("u8"), 200u);
  EXPECT_EQ(file.metadata().at("i8"), GgufValue(int64_t{-1}));
  EXPECT_EQ(file.get_uint("u16"), 60000u);
  EXPECT_EQ(file.metadata().at("i16"), GgufValue(int64_t{-2}));
  EXPECT_EQ(file.metadata().at("i32"), GgufValue(int64_t{-3}));
  EXPECT_EQ(file.get_float("f32"), 0.5);
  EXPECT_EQ(file.get_bool("bool"), true);
  EXPECT_EQ(file.get_uint("u64"), 1ull << 63);
  EXPECT_EQ(file.metadata().at("i64"), GgufValue(int64_t{-5}));
  EXPECT_EQ(file.get_float("f64"), 1e300);
}

TEST(GgufReader, ReadsArraysOfEveryKind) {
  const TempFolder folder;
  GgufParts parts;
  using test::gguf_entry;
  using test::u32;
  using test::u64;
  parts.entries = {
      gguf_entry("i32s", 9, u32(5) + u64(2) + u32(1) + u32(0xffffffff)),
      gguf_entry("u8s", 9, u32(0) + u64(2) + test::u8(1) + test::u8(255)),
      gguf_entry("f32s", 9, u32(6) + u64(1) + test::f32(2.5f)),
      gguf_entry("bools", 9, u32(7) + u64(2) + test::u8(1) + test::u8(0)),
      gguf_entry("strings", 9, u32(8) + u64(2) + test::gguf_string("") + test::gguf_string("\xff")),
      gguf_entry("none", 9, u32(8) + u64(0))};
  const GgufFile file(folder.write("arrays.gguf", parts.bytes()));
  EXPECT_THAT(*file.get_ints("i32s"), ElementsAre(1, -1));
  EXPECT_THAT(*file.get_ints("u8s"), ElementsAre(1, 255));
  EXPECT_THAT(*file.get_floats("f32s"), ElementsAre(2.5));
  EXPECT_THAT(*file.get_floats("u8s"), ElementsAre(1.0, 255.0));
  EXPECT_EQ(file.metadata().at("bools"), GgufValue(std::vector<bool>{true, false}));
  EXPECT_THAT(*file.get_strings("strings"), ElementsAre("", "\xff"));
  EXPECT_TRUE(file.get_strings("none")->empty());
}

TEST(GgufReader, TypedAccessNamesTheKeyAndTheKindFound) {
  const TempFolder folder;
  GgufParts parts;
  parts.entries.push_back(test::gguf_entry("minus", 5, test::u32(0xffffffff)));
  const GgufFile file(folder.write("typed.gguf", parts.bytes()));
  EXPECT_EQ(file.get_uint("absent"), std::nullopt);
  EXPECT_EQ(file.get_strings("absent"), nullptr);
  EXPECT_EQ(file.get_float("n"), 7.0);
  EXPECT_THAT(message_of([&] { (void)file.get_uint("minus"); }),
              HasSubstr("minus must not be negative, found -1"));
  EXPECT_THAT(message_of([&] { (void)file.get_uint("general.architecture"); }),
              HasSubstr("general.architecture must be an unsigned integer, found a string"));
  EXPECT_THAT(message_of([&] { (void)file.get_strings("n"); }), HasSubstr("n must be an array of strings"));
  EXPECT_THAT(message_of([&] { (void)file.get_bool("n"); }), HasSubstr("n must be true or false"));
  EXPECT_THAT(message_of([&] { (void)file.get_floats("n"); }), HasSubstr("n must be an array of numbers"));
}

TEST(GgufReader, HonoursTheFilesAlignment) {
  const TempFolder folder;
  GgufParts parts;
  parts.alignment = 8;
  parts.entries = {test::gguf_entry("general.alignment", 4, test::u32(8))};
  parts.tensors = {{"a", {2}, 0, 0}, {"b", {1}, 0, 8}};
  parts.data = test::f32(1) + test::f32(2) + test::f32(3);
  const GgufFile file(folder.write("aligned.gguf", parts.bytes()));
  EXPECT_THAT(test::floats_of(file.find("b")->data), ElementsAre(3));
}

TEST(GgufReader, KeepsAKnownTypeThatItDoesNotComputeWithByNameOnly) {
  const TempFolder folder;
  GgufParts parts;
  parts.tensors[1].type = 17;
  const GgufFile file(folder.write("iq2.gguf", parts.bytes()));
  EXPECT_EQ(file.find("b")->type_name, "IQ2_XS");
  EXPECT_EQ(file.find("b")->dtype, std::nullopt);
  EXPECT_TRUE(file.find("b")->data.empty());
}

TEST(GgufReader, StaysReadableAfterMove) {
  const TempFolder folder;
  GgufFile first(folder.write("move.gguf", GgufParts{}.bytes()));
  const GgufFile second(std::move(first));
  EXPECT_THAT(test::floats_of(second.find("a")->data), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(GgufWriter, WritesTheSameBytesAsTheFileBuiltByHand) {
  const TempFolder folder;
  const GgufParts parts;
  const auto path = folder.path() / "out.gguf";
  write_gguf(path, {{"general.architecture", std::string("llama")}, {"n", uint64_t{7}}},
             {test::tensor_of("a", DType::kF32, {2, 3}, parts.data.substr(0, 24), 5),
              test::tensor_of("b", DType::kQ8_0, {32}, parts.data.substr(32), 100)});
  std::string expected = parts.bytes();
  expected.resize((expected.size() + 31) / 32 * 32, '\0');  // the writer pads after the last tensor as well
  EXPECT_EQ(test::read_file(path), expected);
}

TEST(GgufWriter, RoundTripsEveryKindOfValue) {
  const TempFolder folder;
  const GgufMetadata metadata = {
      {"u", uint64_t{5}},
      {"u_wide", uint64_t{1} << 40},
      {"i", int64_t{-5}},
      {"i_wide", std::numeric_limits<int64_t>::min()},
      {"f", 0.25},
      {"b", true},
      {"s", std::string("text\0with zero", 14)},
      {"ints", std::vector<int64_t>{-1, 2}},
      {"ints_wide", std::vector<int64_t>{-1, int64_t{1} << 40}},
      {"floats", std::vector<double>{0.5, -2}},
      {"bools", std::vector<bool>{true, false, true}},
      {"strings", std::vector<std::string>{"a", "", "日本"}},
  };
  write_gguf(folder.path() / "m.gguf", metadata, {});
  EXPECT_EQ(GgufFile(folder.path() / "m.gguf").metadata(), metadata);
}

TEST(GgufWriter, RoundTripsEveryDtype) {
  const TempFolder folder;
  std::vector<TensorToWrite> tensors;
  std::vector<std::string> bytes;
  for (size_t i = 0; i < kNumDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    bytes.emplace_back(*dtype_bytes(dtype, 2 * 256), static_cast<char>('A' + i));
    tensors.push_back(test::tensor_of(fmt::format("t{}", i), dtype, {2, 256}, bytes.back(), 77));
  }
  write_gguf(folder.path() / "d.gguf", {{"general.alignment", uint64_t{64}}}, tensors);
  const GgufFile file(folder.path() / "d.gguf");
  ASSERT_EQ(file.tensors().size(), kNumDTypes);
  for (size_t i = 0; i < kNumDTypes; ++i) {
    EXPECT_EQ(file.tensors()[i].dtype, static_cast<DType>(i));
    EXPECT_THAT(file.tensors()[i].shape, ElementsAre(2, 256));
    EXPECT_EQ(test::to_string(file.tensors()[i].data), bytes[i]);
  }
}

TEST(GgufWriter, LeavesTheOldFileAndNoTemporaryWhenProductionFails) {
  const TempFolder folder;
  const auto path = folder.write("keep.gguf", "old");
  TensorToWrite broken = test::tensor_of("a", DType::kF32, {1}, "");
  broken.produce = [](const auto&) { throw std::runtime_error("source went away"); };
  EXPECT_THROW(write_gguf(path, {}, {broken}), std::runtime_error);
  EXPECT_EQ(test::read_file(path), "old");
  EXPECT_EQ(test::files_in(folder.path()), 1u);
}

TEST(GgufWriter, RefusesWhatTheFormatCannotHold) {
  const TempFolder folder;
  const auto attempt = [&](const TensorToWrite& tensor, size_t copies = 1) {
    return message_of(
        [&] { write_gguf(folder.path() / "x.gguf", {}, std::vector<TensorToWrite>(copies, tensor)); });
  };
  using test::tensor_of;
  const std::string four(4, 'x');
  EXPECT_THAT(attempt(tensor_of("a", DType::kF32, {2}, four)),
              HasSubstr("must be 8 bytes long, 4 were produced"));
  EXPECT_THAT(attempt(tensor_of("a", DType::kF32, {1}, four), 2), HasSubstr("must be written once"));
  EXPECT_THAT(attempt(tensor_of("a", DType::kF32, {}, four)), HasSubstr("1 to 4 dimensions, found 0"));
  EXPECT_THAT(attempt(tensor_of("a", DType::kF32, {1, 1, 1, 1, 1}, four)), HasSubstr("found 5"));
  EXPECT_THAT(attempt(tensor_of("a", DType::kF32, {0}, "")), HasSubstr("dimension of size 0"));
  EXPECT_THAT(attempt(tensor_of("a", DType::kQ4_K, {128}, four)),
              HasSubstr("blocks of 256, found rows of 128"));
  EXPECT_THAT(attempt(tensor_of(std::string(64, 'n'), DType::kF32, {1}, four)), HasSubstr("found 64"));
  EXPECT_THAT(attempt(tensor_of("a", DType::kF32, {1ull << 63, 4}, "")), HasSubstr("fits 64 bits"));
  EXPECT_EQ(test::files_in(folder.path()), 0u);
}

TEST(GgufWriter, MissingFolderIsAFileError) {
  const TempFolder folder;
  EXPECT_THAT(message_of([&] { write_gguf(folder.path() / "no" / "x.gguf", {}, {}); }),
              HasSubstr("must be writable, found: No such file"));
}

}  // namespace
}  // namespace longscroll
