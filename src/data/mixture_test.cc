#include "data/mixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "data/test_documents.h"

namespace longscroll::data {
namespace {

using test::counting;
using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Documents under a name of their own: which part a pack's document is from.
class NamedDocuments final : public DocumentSet {
 public:
  NamedDocuments(std::string name, Documents of) : name_(std::move(name)), of_(std::move(of)) {}
  uint32_t size() const override { return of_->size(); }
  uint64_t positions(uint32_t document) const override { return of_->positions(document); }
  bool may_split() const override { return of_->may_split(); }
  void append(uint32_t document, uint64_t from, uint64_t count, Pack& pack) const override {
    of_->append(document, from, count, pack);
  }
  std::string name(uint32_t document) const override { return name_ + std::to_string(document); }

 private:
  std::string name_;
  Documents of_;
};

Documents named(const std::string& name, std::vector<uint64_t> positions, bool may_split = true) {
  return std::make_shared<NamedDocuments>(name, counting(std::move(positions), may_split));
}

MixtureSettings settings(uint32_t window, uint64_t seed = 1) {
  MixtureSettings made;
  made.packs = {.window = window, .seed = seed};
  return made;
}

// How often each document is named in an epoch.
std::map<std::string, int> epoch_of(const PackSource& packs, uint64_t epoch = 0) {
  std::map<std::string, int> found;
  const uint64_t count = packs.packs_per_epoch();
  for (uint64_t i = 0; i < count; ++i) {
    std::string text = packs.describe(epoch * count + i);
    text = text.substr(text.find(": ") + 2);
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find(", ", at), text.size());
      const std::string name = text.substr(at, end - at);
      if (name.find("padding") == std::string::npos) ++found[name];
      at = end + 2;
    }
  }
  return found;
}

TEST(Mixture, WithoutSettingsEveryDocumentIsThereOnce) {
  const Mixture mixture = make_mixture({{"a", named("a", {3, 4})}, {"b", named("b", {5})}}, settings(8));
  EXPECT_EQ(epoch_of(*mixture.packs), (std::map<std::string, int>{{"a0", 1}, {"a1", 1}, {"b0", 1}}));
  EXPECT_THAT(mixture.remarks, IsEmpty());
}

TEST(Mixture, ByCountEachPartGivesSoManyTheSameInEveryEpoch) {
  const std::vector<MixturePart> parts = {{"long", named("l", std::vector<uint64_t>(20, 6), false), 0, 3},
                                          {"general", named("g", std::vector<uint64_t>(20, 2), false), 0, 5}};
  const Mixture mixture = make_mixture(parts, settings(8));
  const auto found = epoch_of(*mixture.packs);
  int of_long = 0;
  for (const auto& [name, times] : found) {
    EXPECT_EQ(times, 1);
    of_long += name[0] == 'l' ? 1 : 0;
  }
  EXPECT_EQ(found.size(), 8U);
  EXPECT_EQ(of_long, 3);
  EXPECT_EQ(epoch_of(*mixture.packs, 1), found);
  EXPECT_NE(epoch_of(*make_mixture(parts, settings(8, 2)).packs), found);
}

TEST(Mixture, ByRatioTheScarcestPartGivesAllItHas) {
  const Mixture mixture = make_mixture({{"a", named("a", std::vector<uint64_t>(30, 2)), 0, 0, 3},
                                        {"b", named("b", std::vector<uint64_t>(50, 2)), 0, 0, 1.5}},
                                       settings(4));
  int of_a = 0;
  int of_b = 0;
  for (const auto& [name, times] : epoch_of(*mixture.packs)) (name[0] == 'a' ? of_a : of_b) += times;
  EXPECT_EQ(of_a, 30);
  EXPECT_EQ(of_b, 15);
}

TEST(Mixture, ByWeightPartsHaveTheirShareOfThePacks) {
  const Mixture mixture =
      make_mixture({{"a", named("a", {2, 2, 2}), 1}, {"b", named("b", {2}), 3}}, settings(2));
  int of_a = 0;
  for (uint64_t i = 0; i < 4096; ++i) of_a += mixture.packs->describe(i).starts_with("a pack") ? 1 : 0;
  EXPECT_EQ(of_a, 1024);
  EXPECT_EQ(mixture.packs->packs_per_epoch(), 0U);
}

TEST(Mixture, LengthBucketsHaveTheirShareOfThePacks) {
  // Lengths are positions and one: 3, 9, 10, 40.
  MixtureSettings with_buckets = settings(39);
  with_buckets.buckets = {{4, 1}, {10, 1}};
  const Mixture mixture = make_mixture({{"a", named("a", {2, 8, 9, 39})}}, with_buckets);
  std::set<std::string> shorter;
  std::set<std::string> longer;
  int of_longer = 0;
  for (uint64_t i = 0; i < 4096; ++i) {
    const std::string text = mixture.packs->describe(i);
    const bool is_longer = text.starts_with("a from 10 tokens");
    of_longer += is_longer ? 1 : 0;
    std::string name = text.substr(text.find(": ") + 2);
    (is_longer ? longer : shorter).insert(name.substr(0, name.find(',')));
  }
  EXPECT_EQ(of_longer, 2048);
  EXPECT_THAT(shorter, ElementsAre("a1"));
  EXPECT_THAT(longer, ElementsAre("a2", "a3"));
  EXPECT_THAT(mixture.remarks,
              ElementsAre("a: 1 of 4 documents left out, below the first bucket's 4 tokens"));
}

TEST(Mixture, WhatIsTooLongIsRefusedOrLeftOutAndSaid) {
  const std::vector<MixturePart> parts = {{"chat", named("c", {3, 9, 4, 12}, false)}};
  EXPECT_THAT(error_of([&] { make_mixture(parts, settings(8)); }),
              HasSubstr("[c1] must fit into the window of 8, found 10 tokens"));
  MixtureSettings leaving = settings(8);
  leaving.too_long = TooLong::kLeaveOut;
  const Mixture mixture = make_mixture(parts, leaving);
  EXPECT_EQ(epoch_of(*mixture.packs), (std::map<std::string, int>{{"c0", 1}, {"c2", 1}}));
  EXPECT_THAT(mixture.remarks,
              ElementsAre("chat: 2 of 4 left out, longer than the window of 8; the longest has 13 tokens"));
}

TEST(Mixture, SettingsThatContradictEachOtherAreNamed) {
  const auto fault = [](std::vector<MixturePart> parts, const std::vector<LengthBucket>& buckets = {}) {
    MixtureSettings made = settings(8);
    made.buckets = buckets;
    return error_of([&] { make_mixture(std::move(parts), made); });
  };
  const Documents few = named("a", {2, 3});
  EXPECT_THAT(fault({}), HasSubstr("[mixture] must have at least one source"));
  EXPECT_THAT(fault({{"a", few, 1}, {"b", few, 0, 1}}), HasSubstr("by weight, by count or by ratio"));
  EXPECT_THAT(fault({{"a", few, 1}, {"b", few}}),
              HasSubstr("[b] must have a weight once another source has one"));
  EXPECT_THAT(fault({{"a", few, 0, 0, 1}, {"b", few}}),
              HasSubstr("[b] must have a ratio once another source has one"));
  EXPECT_THAT(fault({{"a", few, -1}}), HasSubstr("[a] weight and ratio must be numbers above 0"));
  EXPECT_THAT(fault({{"a", few, 0, 3}}),
              HasSubstr("[a] must have the 3 documents that are asked for, found 2"));
  EXPECT_THAT(fault({{"a", few, 0, 0, 1}, {"b", few, 0, 0, 0.1}}),
              HasSubstr("[b] the ratio must give at least one"));
  EXPECT_THAT(fault({{"a", few}, {"b", named("b", {2}, false)}}), HasSubstr("[b] must be plain text like a"));
  EXPECT_THAT(fault({{"a", few}}, {{5, 1}, {5, 1}}),
              HasSubstr("[buckets] must begin at rising lengths, found 5"));
  EXPECT_THAT(fault({{"a", few}}, {{0, 1}, {100, 1}}),
              HasSubstr("[a from 100 tokens] must have at least one document"));
}

}  // namespace
}  // namespace longscroll::data
