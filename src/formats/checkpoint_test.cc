#include "formats/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "formats/test_files.h"

namespace longscroll {
namespace {

using test::TempFolder;
using testing::ElementsAre;

void write_shard(const TempFolder& folder, const std::string& file, const std::string& tensor, float value) {
  write_safetensors(folder.path() / file, {}, {test::tensor_of(tensor, DType::kF32, {1}, test::f32(value))});
}

std::filesystem::path copy_golden(const TempFolder& folder, const std::string& golden,
                                  const std::string& name) {
  const auto source = std::filesystem::path(LONGSCROLL_GOLDEN_DIR) / "torch_bin" / golden;
  std::filesystem::copy_file(source, folder.path() / name);
  return folder.path() / name;
}

TEST(Checkpoint, ReadsOneSafetensorsFileAndPrefersItToABin) {
  const TempFolder folder;
  write_shard(folder, "model.safetensors", "a", 1);
  copy_golden(folder, "f32.bin", "pytorch_model.bin");
  const Checkpoint checkpoint(folder.path());
  ASSERT_EQ(checkpoint.tensors().size(), 1u);
  EXPECT_THAT(test::floats_of(checkpoint.find("a")->data), ElementsAre(1));
  EXPECT_EQ(checkpoint.find("w"), nullptr);
}

TEST(Checkpoint, JoinsSafetensorsShards) {
  const TempFolder folder;
  write_shard(folder, "model-1.safetensors", "a", 1);
  write_shard(folder, "model-2.safetensors", "b", 2);
  folder.write(
      "model.safetensors.index.json",
      R"({"metadata":{"total_size":8},"weight_map":{"b":"model-2.safetensors","a":"model-1.safetensors"}})");
  const Checkpoint checkpoint(folder.path());
  ASSERT_EQ(checkpoint.tensors().size(), 2u);
  EXPECT_THAT(test::floats_of(checkpoint.find("a")->data), ElementsAre(1));
  EXPECT_THAT(test::floats_of(checkpoint.find("b")->data), ElementsAre(2));
}

TEST(Checkpoint, ReadsOneBinAndShardsOfBins) {
  const TempFolder one;
  copy_golden(one, "f32.bin", "pytorch_model.bin");
  EXPECT_EQ(Checkpoint(one.path()).find("w")->data.size(), 24u);
  const TempFolder shards;
  copy_golden(shards, "f32.bin", "p1.bin");
  copy_golden(shards, "parameter.bin", "p2.bin");
  shards.write("pytorch_model.bin.index.json", R"({"weight_map":{"w":"p1.bin","b":"p1.bin","p":"p2.bin"}})");
  const Checkpoint checkpoint(shards.path());
  EXPECT_EQ(checkpoint.tensors().size(), 3u);
  EXPECT_THAT(test::floats_of(checkpoint.find("p")->data), ElementsAre(-2, -1, 0, 1));
}

TEST(Checkpoint, StaysReadableAfterMove) {
  const TempFolder folder;
  write_shard(folder, "model.safetensors", "a", 3);
  Checkpoint first(folder.path());
  const Checkpoint second(std::move(first));
  EXPECT_THAT(test::floats_of(second.find("a")->data), ElementsAre(3));
}

}  // namespace
}  // namespace longscroll
