#include "hub/paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "hub/catalogue.h"
#include "hub/test_environment.h"

namespace longscroll {
namespace {

using testing::HasSubstr;

TEST(ModelsDirectory, IsTheFirstVariableThatIsSet) {
  const TestVariable own("LONGSCROLL_MODELS", "/own");
  const TestVariable cache("XDG_CACHE_HOME", "/cache");
  const TestVariable home("HOME", "/home/me");
  EXPECT_EQ(models_directory(), "/own");
  const TestVariable no_own("LONGSCROLL_MODELS", "");
  EXPECT_EQ(models_directory(), "/cache/longscroll");
  const TestVariable no_cache("XDG_CACHE_HOME", std::nullopt);
  EXPECT_EQ(models_directory(), "/home/me/.cache/longscroll");
  const TestVariable no_home("HOME", std::nullopt);
  EXPECT_THROW(models_directory(), Error);
}

TEST(HfSpec, ReadsEachForm) {
  const HfSpec plain = parse_hf_spec("hf:IndexTeam/Index-1.9B-32K");
  EXPECT_EQ(plain.owner, "IndexTeam");
  EXPECT_EQ(plain.repo, "Index-1.9B-32K");
  EXPECT_EQ(plain.revision, "main");
  EXPECT_EQ(plain.file, "");
  const HfSpec full = parse_hf_spec("hf:a/b@v1.0:sub/x.gguf");
  EXPECT_EQ(full.revision, "v1.0");
  EXPECT_EQ(full.file, "sub/x.gguf");
  EXPECT_EQ(to_string(full), "hf:a/b@v1.0:sub/x.gguf");
  EXPECT_EQ(to_string(plain), "hf:IndexTeam/Index-1.9B-32K");
}

TEST(HfSpec, RefusesWhatCouldLeaveItsFolder) {
  for (const char* bad : {"a/b",        "hf:",     "hf:a",        "hf:a/",     "hf:/b",      "hf:../b",
                          "hf:a/..",    "hf:a/.b", "hf:a/b/c",    "hf:a b/c",  "hf:a/b@",    "hf:a/b@..",
                          "hf:a/b@x/y", "hf:a/b:", "hf:a/b:../x", "hf:a/b:/x", "hf:a/b?x=1", "hf:a/b#x",
                          "hf:a%2f/b",  "hf:-a/b", "hf:a/b:x:y"}) {
    SCOPED_TRACE(bad);
    EXPECT_THROW(parse_hf_spec(bad), Error);
  }
}

TEST(HfSpec, RevisionsOtherThanMainHaveTheirOwnFolder) {
  const TestVariable models("LONGSCROLL_MODELS", "/m");
  EXPECT_EQ(hf_directory(parse_hf_spec("hf:a/b")), "/m/hf/a/b");
  EXPECT_EQ(hf_directory(parse_hf_spec("hf:a/b@r2")), "/m/hf/a/b@r2");
}

TEST(SafeFileName, AcceptsPlainRelativePaths) {
  for (const char* good :
       {"config.json", "model-00001-of-00002.safetensors", "onnx/model.onnx", "模型.gguf", "a b"}) {
    EXPECT_TRUE(is_safe_file_name(good)) << good;
  }
}

TEST(SafeFileName, RefusesHostileOnes) {
  for (const std::string& bad :
       {std::string(), std::string("/etc/passwd"), std::string("../x"), std::string("a/../x"),
        std::string("a//b"), std::string("a/"), std::string("./x"), std::string(".pulled.json"),
        std::string("a/.git/x"), std::string("a\\b"), std::string("a\nb"), std::string("a\0b", 3),
        std::string("a\x1b[2J"), std::string("\xff.bin"), std::string("C:x"), std::string(300, 'a')}) {
    EXPECT_FALSE(is_safe_file_name(bad)) << testing::PrintToString(bad);
  }
}

TEST(FindPulled, WantsEveryFileOfTheListAtItsSize) {
  const test::TempFolder folder;
  const TestVariable models("LONGSCROLL_MODELS", folder.path().string());
  const HfSpec spec = parse_hf_spec("hf:a/b");
  EXPECT_EQ(find_pulled(spec), std::nullopt);
  folder.write("hf/a/b/config.json", "{}");
  EXPECT_EQ(find_pulled(spec), std::nullopt);
  write_pulled_list(hf_directory(spec), "c0ffee", {{"config.json", 2}, {"model.safetensors", 4}});
  EXPECT_EQ(find_pulled(spec), std::nullopt);
  folder.write("hf/a/b/model.safetensors", "1234");
  EXPECT_EQ(find_pulled(spec), hf_directory(spec));
  EXPECT_EQ(find_pulled(parse_hf_spec("hf:a/b:config.json")), hf_directory(spec) / "config.json");
  folder.write("hf/a/b/model.safetensors", "123");
  EXPECT_EQ(find_pulled(spec), std::nullopt);
}

TEST(FindPulled, GivesTheFileItselfWhenItIsTheOnlyGguf) {
  const test::TempFolder folder;
  const TestVariable models("LONGSCROLL_MODELS", folder.path().string());
  const HfSpec spec = parse_hf_spec("hf:a/b");
  folder.write("hf/a/b/x.gguf", "GGUF");
  write_pulled_list(hf_directory(spec), "c0ffee", {{"x.gguf", 4}});
  EXPECT_EQ(find_pulled(spec), hf_directory(spec) / "x.gguf");
}

TEST(FindPulled, IgnoresADamagedList) {
  const test::TempFolder folder;
  const TestVariable models("LONGSCROLL_MODELS", folder.path().string());
  folder.write("outside", "1234");
  for (const char* list :
       {"", "[]", "{\"files\":3}", "{\"files\":[]}", "{\"files\":[{\"name\":1,\"size\":4}]}",
        "{\"files\":[{\"name\":\"x\",\"size\":-4}]}", "{\"files\":[{\"name\":\"x\"}]}",
        "{\"files\":[{\"name\":\"../../../outside\",\"size\":4}]}"}) {
    SCOPED_TRACE(list);
    folder.write("hf/a/b/x", "1234");
    folder.write("hf/a/b/.pulled.json", list);
    EXPECT_EQ(find_pulled(parse_hf_spec("hf:a/b")), std::nullopt);
  }
}

TEST(ResolveModel, TakesAPathThatExists) {
  const test::TempFolder folder;
  const auto path = folder.write("x.gguf", "GGUF");
  EXPECT_EQ(resolve_model(path.string()), path);
  EXPECT_EQ(resolve_model(folder.path().string()), folder.path());
}

std::string hint_of(std::string_view name) {
  try {
    resolve_model(name);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    return error.hint();
  }
  return "no error";
}

TEST(ResolveModel, SaysWhatToPull) {
  const test::TempFolder folder;
  const TestVariable models("LONGSCROLL_MODELS", folder.path().string());
  EXPECT_EQ(hint_of("smollm2-135m"), "longscroll pull smollm2-135m");
  EXPECT_EQ(hint_of("hf:a/b:x.gguf"), "longscroll pull hf:a/b:x.gguf");
  EXPECT_THAT(hint_of("none.gguf"), HasSubstr("smollm2-135m"));
  EXPECT_THAT(hint_of(""), HasSubstr("smollm2-135m"));
}

TEST(ResolveModel, RefusesACatalogueFileOfTheWrongSize) {
  const test::TempFolder folder;
  const TestVariable models("LONGSCROLL_MODELS", folder.path().string());
  folder.write("smollm2-135m.gguf", "GGUF");
  EXPECT_EQ(hint_of("smollm2-135m"), "longscroll pull smollm2-135m");
}

}  // namespace
}  // namespace longscroll
