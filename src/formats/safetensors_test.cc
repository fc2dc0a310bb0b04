#include "formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "formats/test_files.h"

namespace longscroll {
namespace {

using test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TEST(SafetensorsReader, ReadsAFileBuiltByHandInTheOrderOfItsData) {
  const TempFolder folder;
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"late":{"dtype":"F32","shape":[1,2],"data_offsets":[2,10]},)"
      R"("early":{"dtype":"BF16","shape":[],"data_offsets":[0,2]}}  )";
  const SafetensorsFile file(
      folder.write("hand", test::safetensors_bytes(header, "\x80\x3f" + test::f32(1.5f) + test::f32(-2))));
  EXPECT_THAT(file.metadata(), ElementsAre(Pair("format", "pt")));
  ASSERT_EQ(file.tensors().size(), 2u);
  EXPECT_EQ(file.tensors()[0].name, "early");
  EXPECT_EQ(file.tensors()[0].dtype, DType::kBF16);
  EXPECT_THAT(file.tensors()[0].shape, IsEmpty());
  EXPECT_EQ(file.tensors()[0].data.size(), 2u);
  EXPECT_EQ(file.tensors()[1].name, "late");
  EXPECT_THAT(file.tensors()[1].shape, ElementsAre(1, 2));
  EXPECT_THAT(test::floats_of(file.tensors()[1].data), ElementsAre(1.5f, -2));
}

TEST(SafetensorsReader, KeepsATypeThatItDoesNotComputeWithByNameOnly) {
  const TempFolder folder;
  const SafetensorsFile file(folder.write(
      "ints",
      test::safetensors_bytes(R"({"ids":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})", test::u64(5))));
  EXPECT_EQ(file.tensors()[0].type_name, "I64");
  EXPECT_EQ(file.tensors()[0].dtype, std::nullopt);
  EXPECT_TRUE(file.tensors()[0].data.empty());
}

TEST(SafetensorsReader, TakesEmptyTensorsAndAnEmptyHeader) {
  const TempFolder folder;
  EXPECT_TRUE(SafetensorsFile(folder.write("none", test::safetensors_bytes("{}", ""))).tensors().empty());
  const SafetensorsFile file(folder.write(
      "zero", test::safetensors_bytes(R"({"z":{"dtype":"F32","shape":[0,4],"data_offsets":[0,0]}})", "")));
  EXPECT_THAT(file.tensors()[0].shape, ElementsAre(0, 4));
}

TEST(SafetensorsWriter, RoundTripsTensorsAndMetadata) {
  const TempFolder folder;
  const std::string halves = "\x01\x02\x03\x04";
  write_safetensors(
      folder.path() / "rt", {{"format", "pt"}, {"引", "\"quoted\"\n"}},
      {test::tensor_of("w", DType::kF32, {2, 1}, test::f32(3) + test::f32(4), 3),
       test::tensor_of("h", DType::kF16, {2}, halves), test::tensor_of("b", DType::kBF16, {1, 2}, halves)});
  const std::string bytes = test::read_file(folder.path() / "rt");
  EXPECT_EQ(static_cast<unsigned char>(bytes[0]) % 8, 0);  // the data starts aligned
  const SafetensorsFile file(folder.path() / "rt");
  EXPECT_THAT(file.metadata(), ElementsAre(Pair("format", "pt"), Pair("引", "\"quoted\"\n")));
  ASSERT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(file.tensors()[0].name, "w");
  EXPECT_THAT(test::floats_of(file.tensors()[0].data), ElementsAre(3, 4));
  EXPECT_EQ(file.tensors()[1].dtype, DType::kF16);
  EXPECT_EQ(test::to_string(file.tensors()[1].data), halves);
  EXPECT_EQ(file.tensors()[2].dtype, DType::kBF16);
  EXPECT_THAT(file.tensors()[2].shape, ElementsAre(1, 2));
}

TEST(SafetensorsWriter, RefusesWhatTheFormatCannotHold) {
  const TempFolder folder;
  const auto attempt = [&](const TensorToWrite& tensor, size_t copies) -> std::string {
    try {
      write_safetensors(folder.path() / "x", {}, std::vector<TensorToWrite>(copies, tensor));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kArgument);
      return error.what();
    }
    return "no error";
  };
  using test::tensor_of;
  const std::string four(4, 'x');
  EXPECT_THAT(attempt(tensor_of("a", DType::kQ8_0, {32}, std::string(34, 'x')), 1), HasSubstr("found q8_0"));
  EXPECT_THAT(attempt(tensor_of("a", DType::kF32, {1}, four), 2), HasSubstr("found it taken"));
  EXPECT_THAT(attempt(tensor_of("__metadata__", DType::kF32, {1}, four), 1), HasSubstr("found it taken"));
  EXPECT_THAT(attempt(tensor_of("a", DType::kF32, {3}, four), 1),
              HasSubstr("must be 12 bytes long, 4 were produced"));
  EXPECT_THAT(attempt(tensor_of("\xff", DType::kF32, {1}, four), 1), HasSubstr("must be UTF-8"));
  EXPECT_EQ(test::files_in(folder.path()), 0u);
}

}  // namespace
}  // namespace longscroll
