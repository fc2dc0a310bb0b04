#include "formats/torch_bin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "formats/test_archives.h"

namespace longscroll {
namespace {

using test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;

// Written by tools/make_torch_bin_cases.py with torch; element i of a tensor is i - 2.
std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(LONGSCROLL_GOLDEN_DIR) / "torch_bin" / (name + ".bin");
}

const TensorView& tensor(const TorchBinFile& file, std::string_view name) {
  for (const TensorView& view : file.tensors()) {
    if (view.name == name) return view;
  }
  throw std::runtime_error("no tensor " + std::string(name));
}

std::string message_of(const std::string& name, ErrorKind kind) {
  try {
    const TorchBinFile file(golden(name));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    return error.what();
  }
  return "no error";
}

TEST(TorchBin, ReadsFloat32InTheOrderOfTheStateDict) {
  const TorchBinFile file(golden("f32"));
  ASSERT_EQ(file.tensors().size(), 2u);
  EXPECT_EQ(file.tensors()[0].name, "w");
  EXPECT_EQ(file.tensors()[0].type_name, "FloatStorage");
  EXPECT_EQ(file.tensors()[0].dtype, DType::kF32);
  EXPECT_THAT(file.tensors()[0].shape, ElementsAre(2, 3));
  EXPECT_THAT(test::floats_of(file.tensors()[0].data), ElementsAre(-2, -1, 0, 1, 2, 3));
  EXPECT_EQ(file.tensors()[1].name, "b");
  EXPECT_THAT(test::floats_of(file.tensors()[1].data), ElementsAre(-2, -1, 0));
}

TEST(TorchBin, ReadsHalfAndBfloat16) {
  const TorchBinFile half(golden("f16"));
  EXPECT_EQ(half.tensors()[0].dtype, DType::kF16);
  EXPECT_EQ(test::to_string(half.tensors()[0].data).substr(0, 4),
            std::string("\x00\xc0\x00\xbc", 4));  // -2, -1
  const TorchBinFile brain(golden("bf16"));
  EXPECT_EQ(brain.tensors()[0].dtype, DType::kBF16);
  EXPECT_EQ(test::to_string(brain.tensors()[0].data).substr(0, 4), std::string("\x00\xc0\x80\xbf", 4));
}

TEST(TorchBin, NamesOtherTypesWithoutTheirData) {
  const TorchBinFile file(golden("other_types"));
  for (const auto& [name, type] : {std::pair("i64", "LongStorage"), std::pair("bool", "BoolStorage"),
                                   std::pair("f64", "DoubleStorage"), std::pair("f8", "float8_e4m3fn")}) {
    EXPECT_EQ(tensor(file, name).type_name, type);
    EXPECT_EQ(tensor(file, name).dtype, std::nullopt);
    EXPECT_TRUE(tensor(file, name).data.empty());
  }
  EXPECT_TRUE(tensor(file, "scalar").shape.empty());
  EXPECT_THAT(test::floats_of(tensor(file, "scalar").data), ElementsAre(5));
  EXPECT_THAT(tensor(file, "empty").shape, ElementsAre(0, 4));
}

TEST(TorchBin, TensorsThatShareAStorageShareItsBytes) {
  const TorchBinFile file(golden("shared_storage"));
  EXPECT_EQ(tensor(file, "embed").data.data(), tensor(file, "head").data.data());
  EXPECT_EQ(tensor(file, "embed").data.size(), 32u);
}

TEST(TorchBin, HonoursTheOffsetIntoTheStorage) {
  const TorchBinFile file(golden("offset"));
  EXPECT_THAT(test::floats_of(tensor(file, "tail").data), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(test::floats_of(tensor(file, "middle").data), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(test::floats_of(tensor(file, "row").data), ElementsAre(2, 3));
}

TEST(TorchBin, ReadsParametersAndModulesWithMetadata) {
  EXPECT_THAT(test::floats_of(TorchBinFile(golden("parameter")).tensors()[0].data),
              ElementsAre(-2, -1, 0, 1));
  const TorchBinFile linear(golden("state_dict_with_metadata"));
  EXPECT_THAT(test::floats_of(tensor(linear, "weight").data), ElementsAre(-2, -1, 0, 1, 2, 3));
  EXPECT_THAT(test::floats_of(tensor(linear, "bias").data), ElementsAre(-2, -1));
}

TEST(TorchBin, FindsAStateDictOneLevelDown) {
  const TorchBinFile nested(golden("nested_state_dict"));
  EXPECT_EQ(nested.tensors().size(), 2u);
  EXPECT_THAT(test::floats_of(tensor(nested, "bias").data), ElementsAre(-2, -1));
  EXPECT_THAT(test::floats_of(tensor(TorchBinFile(golden("nested_model")), "w").data), ElementsAre(-2, -1));
}

TEST(TorchBin, ReadsProtocol5AndAnArchiveWithoutZip64) {
  EXPECT_THAT(test::floats_of(tensor(TorchBinFile(golden("protocol5")), "w").data),
              ElementsAre(-2, -1, 0, 1, 2, 3));
  EXPECT_THAT(test::floats_of(tensor(TorchBinFile(golden("plain_zip")), "w").data),
              ElementsAre(-2, -1, 0, 1, 2, 3));
}

TEST(TorchBin, ReadsAnArchiveBuiltByHandWithAComment) {
  const TempFolder folder;
  auto archive = test::torch_archive(
      test::pickle_dict(
          test::cat(test::pickle_text("w"),
                    test::pickle_tensor(test::pickle_storage("FloatStorage", "0", 4), 1, {1, 3}, {9, 1}))),
      test::cat(test::f32(1), test::f32(2), test::f32(3), test::f32(4)));
  archive.comment = "PK\x05\x06 in a comment";
  const TorchBinFile file(folder.write("hand.bin", archive.bytes()));
  EXPECT_THAT(file.tensors()[0].shape, ElementsAre(1, 3));  // a dimension of 1 may have any stride
  EXPECT_THAT(test::floats_of(file.tensors()[0].data), ElementsAre(2, 3, 4));
}

TEST(TorchBin, RefusesATransposedViewByName) {
  EXPECT_THAT(message_of("transposed", ErrorKind::kUnsupported),
              HasSubstr("tensor 'turned' must be contiguous, found shape [3, 2] with strides [1, 3]"));
}

TEST(TorchBin, RefusesAPickleThatCallsSomethingAndNamesIt) {
  EXPECT_THAT(message_of("calls_system", ErrorKind::kFile), HasSubstr("found 'posix.system'"));
  EXPECT_THAT(message_of("python_attributes", ErrorKind::kFile), HasSubstr("_rebuild_from_type_v2'"));
}

TEST(TorchBin, RefusesWhatTorchSavedInOtherForms) {
  EXPECT_THAT(message_of("legacy", ErrorKind::kUnsupported), HasSubstr("before torch 1.6"));
  EXPECT_THAT(message_of("compressed", ErrorKind::kUnsupported), HasSubstr("must be stored"));
  EXPECT_THAT(message_of("big_endian", ErrorKind::kUnsupported), HasSubstr("must be little, found 'big'"));
  EXPECT_THAT(message_of("not_a_dict", ErrorKind::kFile), HasSubstr("must hold a state dict"));
}

}  // namespace
}  // namespace longscroll
