#include "data/pack_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "data/test_documents.h"

namespace longscroll::data {
namespace {

using test::counting;
using test::error_of;
using ::testing::HasSubstr;

constexpr uint32_t kWindow = 128;
constexpr PackingMode kModes[] = {PackingMode::kConcatenate, PackingMode::kBestFit, PackingMode::kPadded};

std::vector<std::vector<Piece>> all_packs(const PackLayout& layout) {
  std::vector<std::vector<Piece>> packs;
  for (uint64_t i = 0; i < layout.packs(); ++i) packs.push_back(layout.pieces(i));
  return packs;
}

uint64_t filled(const std::vector<Piece>& pack) {
  uint64_t count = 0;
  for (const Piece& piece : pack) count += piece.count;
  return count;
}

// How many packs the same rule takes when every pack is looked at.
size_t packs_by_plain_search(std::vector<uint64_t> counts, uint64_t window) {
  std::sort(counts.rbegin(), counts.rend());
  std::vector<uint64_t> rooms;
  for (const uint64_t count : counts) {
    auto best = rooms.end();
    for (auto it = rooms.begin(); it != rooms.end(); ++it) {
      if (*it >= count && (best == rooms.end() || *it < *best)) best = it;
    }
    if (best == rooms.end()) best = rooms.insert(rooms.end(), window);
    *best -= count;
  }
  return rooms.size();
}

TEST(PackLayout, HasEveryPositionOfEveryDocumentOnce) {
  const std::vector<uint64_t> positions = test::varied_positions(500);
  const Documents documents = counting(positions);
  for (const PackingMode mode : kModes) {
    const auto layout = lay_out(*documents, mode, kWindow, 1, 0);
    std::map<uint32_t, std::vector<std::pair<uint64_t, uint64_t>>> pieces;
    for (const auto& pack : all_packs(*layout)) {
      EXPECT_LE(filled(pack), kWindow);
      for (const Piece& piece : pack) {
        EXPECT_GT(piece.count, 0U);
        pieces[piece.document].emplace_back(piece.from, piece.count);
      }
    }
    ASSERT_EQ(pieces.size(), positions.size()) << to_string(mode);
    for (auto& [document, parts] : pieces) {
      std::sort(parts.begin(), parts.end());
      uint64_t next = 0;
      for (const auto& [from, count] : parts) {
        ASSERT_EQ(from, next) << to_string(mode);
        next += count;
      }
      EXPECT_EQ(next, positions[document]);
    }
  }
}

TEST(PackLayout, ConcatenationFillsEveryPackButTheLast) {
  const Documents documents = counting(test::varied_positions(300));
  const auto packs = all_packs(*lay_out(*documents, PackingMode::kConcatenate, kWindow, 3, 0));
  for (size_t i = 0; i + 1 < packs.size(); ++i) EXPECT_EQ(filled(packs[i]), kWindow);
  EXPECT_GT(filled(packs.back()), 0U);
}

TEST(PackLayout, BestFitCutsOnlyWhatIsLongerThanTheWindowAndCutsItEveryWindow) {
  const std::vector<uint64_t> positions = test::varied_positions(500);
  const Documents documents = counting(positions);
  for (const auto& pack : all_packs(*lay_out(*documents, PackingMode::kBestFit, kWindow, 1, 0))) {
    for (const Piece& piece : pack) {
      EXPECT_EQ(piece.from % kWindow, 0U);
      EXPECT_EQ(piece.count, std::min<uint64_t>(kWindow, positions[piece.document] - piece.from));
    }
  }
}

TEST(PackLayout, BestFitTakesTheLongestFirstAndTheLeastRoom) {
  const auto packs = all_packs(*lay_out(*counting({4, 7, 3, 6}), PackingMode::kBestFit, 10, 0, 0));
  ASSERT_EQ(packs.size(), 2U);
  EXPECT_EQ(filled(packs[0]), 10U);
  EXPECT_EQ(filled(packs[1]), 10U);
}

TEST(PackLayout, BestFitFindsTheSameRoomsAsAPlainSearch) {
  for (const uint32_t window : {7U, 100U, 1000U}) {
    const std::vector<uint64_t> positions = test::varied_positions(400);
    std::vector<uint64_t> counts;
    for (uint64_t left : positions) {
      for (; left > window; left -= window) counts.push_back(window);
      counts.push_back(left);
    }
    EXPECT_EQ(lay_out(*counting(positions), PackingMode::kBestFit, window, 9, 4)->packs(),
              packs_by_plain_search(counts, window))
        << window;
  }
}

TEST(PackLayout, SeedAndEpochChangeWhatLiesTogetherAndNotHowManyPacksThereAre) {
  const Documents documents = counting(test::varied_positions(300));
  for (const PackingMode mode : kModes) {
    const auto composition = [&](uint64_t seed, uint64_t epoch) {
      std::vector<std::vector<uint32_t>> found;
      for (const auto& pack : all_packs(*lay_out(*documents, mode, kWindow, seed, epoch))) {
        found.emplace_back();
        for (const Piece& piece : pack) found.back().push_back(piece.document);
      }
      return found;
    };
    const auto first = composition(1, 0);
    EXPECT_EQ(composition(1, 0), first);
    EXPECT_NE(composition(2, 0), first);
    EXPECT_NE(composition(1, 1), first);
    EXPECT_EQ(composition(2, 0).size(), first.size());
    EXPECT_EQ(composition(1, 1).size(), first.size());
  }
}

TEST(PackLayout, RefusesToCutWhatMayNotBeCut) {
  const Documents documents = counting({20, 129, 5}, false);
  EXPECT_THAT(error_of([&] { lay_out(*documents, PackingMode::kConcatenate, kWindow, 0, 0); }),
              HasSubstr("argument: [packing] must be best-fit or padded for instructions"));
  EXPECT_THAT(error_of([&] { lay_out(*documents, PackingMode::kBestFit, kWindow, 0, 0); }),
              HasSubstr("[document 1] must fit into the window of 128, found 130 tokens"));
}

TEST(PackLayout, ModesHaveNames) {
  for (const PackingMode mode : kModes) EXPECT_EQ(packing_mode_from_name(to_string(mode)), mode);
  EXPECT_EQ(packing_mode_from_name("first-fit"), std::nullopt);
}

}  // namespace
}  // namespace longscroll::data
