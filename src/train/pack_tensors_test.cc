#include "train/pack_tensors.h"

#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"

namespace longscroll::train {
namespace {

constexpr uint32_t kVocab = 50;
constexpr TokenId kNone = data::kIgnored;

std::vector<int64_t> values_of(const at::Tensor& tensor) {
  const auto* data = tensor.data_ptr<int64_t>();
  return {data, data + tensor.numel()};
}

PackTensors tensors_of(const data::Pack& pack, Extent extent = Extent::kNeeded) {
  return pack_tensors(pack, kVocab, at::kCPU, extent);
}

std::string refusal_of(const data::Pack& pack) {
  try {
    tensors_of(pack);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kArgument);
    return error.what();
  }
  return "";
}

TEST(PackTensors, WhatNoLossDependsOnIsLeftOut) {
  // A document with a tail without targets, padding, and a prompt that is read and not learned.
  const data::Pack pack{
      {1, 2, 3, 0, 0, 4, 5, 6}, {2, kNone, kNone, kNone, kNone, kNone, 6, kNone}, {0, 3, 5}};
  const PackTensors tensors = tensors_of(pack);
  EXPECT_EQ(values_of(tensors.ids), (std::vector<int64_t>{1, 4, 5}));
  EXPECT_EQ(values_of(tensors.targets), (std::vector<int64_t>{2, 6}));
  EXPECT_EQ(values_of(tensors.places), (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(tensors.documents.edges, (std::vector<int64_t>{0, 1, 3}));
}

TEST(PackTensors, WholePacksKeepTheirPositions) {
  const data::Pack pack{{1, 2, 3, 4}, {2, kNone, kNone, kNone}, {0, 2}};
  const PackTensors tensors = tensors_of(pack, Extent::kWhole);
  EXPECT_EQ(values_of(tensors.ids), (std::vector<int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(tensors.documents.edges, (std::vector<int64_t>{0, 2, 4}));
}

TEST(PackTensors, PlacesAreUndefinedWhenEveryPositionPredicts) {
  EXPECT_FALSE(tensors_of({{1, 2}, {2, 3}, {0}}).places.defined());
}

TEST(PackTensors, APackWithoutTargetsIsTakenWhole) {
  const PackTensors tensors = tensors_of({{1, 2}, {kNone, kNone}, {0}});
  EXPECT_EQ(tensors.ids.numel(), 2);
  EXPECT_EQ(tensors.targets.numel(), 0);
}

TEST(PackTensors, ContradictionsAreNamed) {
  EXPECT_NE(refusal_of({{}, {}, {0}}).find("is empty"), std::string::npos);
  EXPECT_NE(refusal_of({{1, 2}, {2}, {0}}).find("a target for each of its 2 ids, has 1"), std::string::npos);
  EXPECT_NE(refusal_of({{1, 50}, {2, 3}, {0}}).find("found 50 with target 3 at position 1"),
            std::string::npos);
  EXPECT_NE(refusal_of({{1, 2}, {2, -2}, {0}}).find("target -2"), std::string::npos);
  EXPECT_NE(refusal_of({{1, 2}, {2, 3}, {1}}).find("must begin at 0"), std::string::npos);
  EXPECT_NE(refusal_of({{1, 2}, {2, 3}, {0, 0}}).find("document 0 must begin before 0"), std::string::npos);
  EXPECT_NE(refusal_of({{1, 2}, {2, 3}, {0, 2}}).find("document 1 must begin before 2"), std::string::npos);
}

}  // namespace
}  // namespace longscroll::train
