#include "hub/hf.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "hub/fetch.h"
#include "hub/test_environment.h"

namespace longscroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kSha1(40, 'a');
const std::string kSha256(64, 'b');

RepoListing listing_of(const std::vector<std::string>& names) {
  RepoListing listing{kSha1, {}};
  for (const std::string& name : names) listing.files.push_back({name, 10, kSha256, ""});
  return listing;
}

std::vector<std::string> chosen_of(const std::vector<std::string>& names,
                                   const std::string& spec = "hf:a/b") {
  std::vector<std::string> chosen;
  for (const RepoFile& file : choose_files(listing_of(names), parse_hf_spec(spec)))
    chosen.push_back(file.name);
  return chosen;
}

TEST(RepoListing, ReadsLargeAndSmallFiles) {
  const RepoListing listing = parse_repo_listing(fmt::format(R"({{"sha":"{0}","siblings":[
        {{"rfilename":"config.json","size":7,"blobId":"{0}","lfs":null}},
        {{"rfilename":"m.gguf","size":5000000000,"blobId":"{0}","lfs":{{"sha256":"{1}","size":5}}}}]}})",
                                                             kSha1, kSha256),
                                                 "url");
  EXPECT_EQ(listing.commit, kSha1);
  ASSERT_EQ(listing.files.size(), 2u);
  EXPECT_EQ(listing.files[0].blob_id, kSha1);
  EXPECT_EQ(listing.files[0].sha256, "");
  EXPECT_EQ(listing.files[1].size, 5000000000u);
  EXPECT_EQ(listing.files[1].sha256, kSha256);
}

TEST(RepoListing, RefusesWhatTheApiDoesNotPromise) {
  const auto with_file = [](const std::string& file) {
    return fmt::format(R"({{"sha":"{}","siblings":[{}]}})", kSha1, file);
  };
  const std::vector<std::string> bad = {
      "",
      "[]",
      "{}",
      "{\"sha\":1}",
      "\xff",
      R"({"sha":"main","siblings":[]})",
      R"({"sha":"../../../../../../../../../../../../../x","siblings":[]})",
      fmt::format(R"({{"sha":"{}"}})", kSha1),
      fmt::format(R"({{"sha":"{}","siblings":{{}}}})", kSha1),
      with_file("1"),
      with_file("{}"),
      with_file(R"({"rfilename":""})"),
      with_file(R"({"rfilename":"x"})"),
      with_file(R"({"rfilename":"x","size":-1})"),
      with_file(R"({"rfilename":"x","size":1.5})"),
      with_file(R"({"rfilename":"x","size":1e30})"),
      with_file(R"({"rfilename":"x","size":1})"),
      with_file(R"({"rfilename":"x","size":1,"blobId":"xyz"})"),
      with_file(R"({"rfilename":"x","size":1,"lfs":{}})"),
      with_file(R"({"rfilename":"x","size":1,"lfs":{"sha256":7}})"),
      with_file(fmt::format(R"({{"rfilename":"x","size":1,"lfs":{{"sha256":"{}"}}}})", kSha1))};
  for (const std::string& json : bad) {
    SCOPED_TRACE(json);
    EXPECT_THROW(parse_repo_listing(json, "url"), Error);
  }
}

TEST(ChooseFiles, PrefersSafetensorsToBinToGguf) {
  EXPECT_THAT(chosen_of({"model.safetensors", "pytorch_model.bin", "x.gguf", "config.json"}),
              ElementsAre("config.json", "model.safetensors"));
  EXPECT_THAT(chosen_of({"pytorch_model.bin", "x.gguf", "config.json"}),
              ElementsAre("config.json", "pytorch_model.bin"));
  EXPECT_THAT(chosen_of({"config.json", "x.gguf"}), ElementsAre("x.gguf"));
}

TEST(ChooseFiles, TakesShardsWithTheirIndex) {
  EXPECT_THAT(chosen_of({"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                         "model.safetensors.index.json", "consolidated.safetensors"}),
              ElementsAre("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                          "model.safetensors.index.json"));
  EXPECT_THAT(
      chosen_of({"pytorch_model-00001-of-00001.bin", "pytorch_model.bin.index.json", "optimizer.bin"}),
      ElementsAre("pytorch_model-00001-of-00001.bin", "pytorch_model.bin.index.json"));
}

TEST(ChooseFiles, AnIndexWithoutShardsIsNoWeights) {
  EXPECT_THAT(chosen_of({"model.safetensors.index.json", "pytorch_model.bin"}),
              ElementsAre("pytorch_model.bin"));
}

TEST(ChooseFiles, TakesEveryTokenizerFile) {
  EXPECT_THAT(chosen_of({"model.safetensors", "tokenizer.json", "tokenizer_config.json", "tokenizer.model",
                         "spiece.model", "vocab.json", "merges.txt", "chat_template.jinja",
                         "generation_config.json", "README.md", "modeling_x.py"}),
              ElementsAre("chat_template.jinja", "generation_config.json", "merges.txt", "model.safetensors",
                          "spiece.model", "tokenizer.json", "tokenizer.model", "tokenizer_config.json",
                          "vocab.json"));
}

TEST(ChooseFiles, TakesTheNamedFileOnly) {
  EXPECT_THAT(chosen_of({"a.gguf", "b.gguf", "config.json"}, "hf:a/b:b.gguf"), ElementsAre("b.gguf"));
  EXPECT_THROW(chosen_of({"a.gguf"}, "hf:a/b:c.gguf"), Error);
}

TEST(ChooseFiles, RefusesRepositoriesWithoutWeights) {
  EXPECT_THROW(chosen_of({"README.md"}), Error);
  EXPECT_THROW(chosen_of({}), Error);
}

TEST(ChooseFiles, RefusesHostileAndDoubleNames) {
  EXPECT_THROW(chosen_of({"model.safetensors", "tokenizer\n.json"}), Error);
  EXPECT_THROW(chosen_of({"../x.gguf"}), Error);
  EXPECT_THROW(chosen_of({"model.safetensors", "model.safetensors"}), Error);
}

TEST(ChooseFiles, ShowsOnlySoManyChoices) {
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i) names.push_back(fmt::format("{}.gguf", i));
  names.emplace_back("evil\x1b.gguf");
  try {
    chosen_of(names);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("501 .gguf files"));
    EXPECT_LT(std::string(error.what()).size(), 1000u);
  }
}

TEST(PercentEncoding, KeepsPathsAndEncodesTheRest) {
  EXPECT_EQ(percent_encode_path("sub/a-b_c.~1"), "sub/a-b_c.~1");
  EXPECT_EQ(percent_encode_path("a b?#%&é"), "a%20b%3F%23%25%26%C3%A9");
}

TEST(DiskRoom, RefusesWhatCannotFit) {
  const test::TempFolder folder;
  EXPECT_NO_THROW(require_disk_room(folder.path() / "new", 1));
  EXPECT_THROW(require_disk_room(folder.path(), uint64_t{1} << 60), Error);
  EXPECT_THROW(require_disk_room(folder.path(), UINT64_MAX), Error);
}

TEST(DiskRoom, CountsThePartThatIsThere) {
  const test::TempFolder folder;
  EXPECT_EQ(bytes_to_come(folder.path() / "x", 10), 10u);
  folder.write("x.part", "abc");
  EXPECT_EQ(bytes_to_come(folder.path() / "x", 10), 7u);
  EXPECT_EQ(bytes_to_come(folder.path() / "x", 2), 2u);
}

TEST(HubConfig, ComesFromTheEnvironment) {
  const TestVariable endpoint("HF_ENDPOINT", "http://host:1//"), token("HF_TOKEN", "abc");
  EXPECT_EQ(hub_config_from_environment().endpoint, "http://host:1");
  EXPECT_EQ(hub_config_from_environment().token, "abc");
  const TestVariable none("HF_ENDPOINT", std::nullopt);
  EXPECT_THAT(hub_config_from_environment().endpoint, HasSubstr("https://"));
}

TEST(HubConfig, RefusesWhatCouldAddAHeaderOrReadAFile) {
  for (const char* bad : {"file:///etc", "host", "http://a b", "http://a\r\nX: y"}) {
    const TestVariable endpoint("HF_ENDPOINT", bad);
    EXPECT_THROW(hub_config_from_environment(), Error) << bad;
  }
  const TestVariable token("HF_TOKEN", "abc\r\nX: y");
  EXPECT_THROW(hub_config_from_environment(), Error);
}

TEST(Offline, IsAnythingButZero) {
  const TestVariable on("LONGSCROLL_OFFLINE", "1");
  EXPECT_TRUE(is_offline());
  const TestVariable zero("LONGSCROLL_OFFLINE", "0");
  EXPECT_FALSE(is_offline());
  const TestVariable off("LONGSCROLL_OFFLINE", std::nullopt);
  EXPECT_FALSE(is_offline());
  EXPECT_NO_THROW(require_online("x"));
}

}  // namespace
}  // namespace longscroll
