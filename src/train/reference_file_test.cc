#include "train/reference_file.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"

namespace longscroll::train {
namespace {

TEST(ReferenceFile, IsReadForTheSamePairsAndModelAlone) {
  const test::TempFolder folder;
  const auto path = folder.path() / "reference.safetensors";
  const std::vector<float> values = {-1.5f, -2.5f, -3.5f, -4.5f};
  EXPECT_FALSE(ReferenceFile(path, "hash", "model").exists());
  ReferenceFile(path, "hash", "model").write(values);
  EXPECT_EQ(ReferenceFile(path, "hash", "model").read(2), values);
  EXPECT_THROW(ReferenceFile(path, "other", "model").read(2), Error);
  EXPECT_THROW(ReferenceFile(path, "hash", "other").read(2), Error);
  EXPECT_THROW(ReferenceFile(path, "hash", "model").read(3), Error);
}

TEST(ReferenceFile, TellsPairsByTheirIds) {
  const auto pairs_of = [](TokenId answer, uint8_t learnt) {
    data::PreferencePair pair;
    pair.chosen = {.ids = {1, 2, answer}, .learnt = {0, 0, 1}};
    pair.rejected = {.ids = {1, 2, 9}, .learnt = {0, learnt, 1}};
    pair.name = "line 1";
    return data::PreferencePairs({pair});
  };
  const std::string hash = ids_sha256(pairs_of(3, 0));
  EXPECT_EQ(ids_sha256(pairs_of(3, 0)), hash);
  EXPECT_NE(ids_sha256(pairs_of(4, 0)), hash);
  EXPECT_NE(ids_sha256(pairs_of(3, 1)), hash);
}

}  // namespace
}  // namespace longscroll::train
