// Downloads against a local server that behaves badly: tests/hub/fake_hub.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "base/error.h"
#include "hub/fake_hub.h"
#include "hub/hf.h"
#include "hub/paths.h"
#include "hub/pull.h"
#include "hub/test_environment.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

class HubTest : public testing::Test {
 protected:
  fs::path pull_quickly(const std::string& what, const std::string& token = {}) {
    return pull_hf(parse_hf_spec(what), hub_.config(token), events_);
  }

  // The error that pulling gives; fails the test when there is none.
  Error error_of(const std::string& what, const std::string& token = {}) {
    try {
      pull_quickly(what, token);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << what << " gave no error";
    return Error(ErrorKind::kArgument, "", "");
  }

  std::vector<std::string> files_under(const fs::path& path) const {
    std::vector<std::string> names;
    if (!fs::exists(path)) return names;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) names.push_back(fs::relative(entry.path(), path).string());
    }
    return names;
  }

  std::vector<std::string> ranges_for(const std::string& file) const {
    std::vector<std::string> ranges;
    for (const auto& request : hub_.requests_for(file)) ranges.push_back(request["range"]);
    return ranges;
  }

  const FakeHub hub_;
  const test::TempFolder folder_;
  const TestVariable models_{"LONGSCROLL_MODELS", folder_.path().string()};
  const TestVariable endpoint_{"HF_ENDPOINT", hub_.endpoint() + "/"};
  const TestVariable token_{"HF_TOKEN", std::nullopt};
  const TestVariable offline_{"LONGSCROLL_OFFLINE", std::nullopt};
  PullEvents events_;
};

TEST_F(HubTest, BringsWhatAModelNeedsAndNothingElse) {
  const fs::path path = pull("hf:plain/model", events_);
  EXPECT_EQ(path, folder_.path() / "hf/plain/model");
  EXPECT_THAT(files_under(path),
              UnorderedElementsAre("config.json", "tokenizer.json", "model.safetensors", ".pulled.json"));
  EXPECT_EQ(read_file(path / "model.safetensors"), fake_file("model.safetensors", kFakeBig));
  EXPECT_EQ(read_file(path / "config.json"), fake_file("config.json", 700));
  EXPECT_EQ(resolve_model("hf:plain/model"), path);
}

TEST_F(HubTest, ASecondPullAsksNobody) {
  const fs::path path = pull("hf:plain/model", events_);
  const size_t before = hub_.log().size();
  EXPECT_EQ(pull("hf:plain/model", events_), path);
  EXPECT_EQ(hub_.log().size(), before);
}

TEST_F(HubTest, AnInterruptedPullFetchesOnlyWhatIsMissing) {
  const fs::path path = pull_quickly("hf:plain/model");
  fs::remove(path / "config.json");
  EXPECT_EQ(find_pulled(parse_hf_spec("hf:plain/model")), std::nullopt);
  pull_quickly("hf:plain/model");
  EXPECT_EQ(hub_.requests_for("model.safetensors").size(), 1u);
  EXPECT_EQ(hub_.requests_for("config.json").size(), 2u);
}

TEST_F(HubTest, BringsTheOnlyGgufAndReturnsItsPath) {
  const fs::path path = pull_quickly("hf:plain/one");
  EXPECT_EQ(path, folder_.path() / "hf/plain/one/x.gguf");
  EXPECT_EQ(resolve_model("hf:plain/one"), path);
}

TEST_F(HubTest, NamesTheChoicesAmongSeveralGgufs) {
  const Error error = error_of("hf:plain/many");
  EXPECT_THAT(error.what(), HasSubstr("a-q4.gguf"));
  EXPECT_THAT(error.what(), HasSubstr("b q8.gguf"));
  EXPECT_EQ(error.hint(), "longscroll pull hf:plain/many:FILE");
  EXPECT_EQ(pull_quickly("hf:plain/many:b q8.gguf"), folder_.path() / "hf/plain/many/b q8.gguf");
}

TEST_F(HubTest, AsksForTheRevisionAndKeepsItApart) {
  EXPECT_EQ(pull_quickly("hf:plain/one@v2"), folder_.path() / "hf/plain/one@v2/x.gguf");
  EXPECT_EQ(hub_.log()[0]["path"], "/api/models/plain/one/revision/v2");
  EXPECT_EQ(hub_.log()[0]["query"], "blobs=true");
}

TEST_F(HubTest, GoesOnWhereEachConnectionWasCut) {
  const fs::path path = pull_quickly("hf:cut/one");
  EXPECT_EQ(read_file(path), fake_file("x.gguf", kFakeBig));
  EXPECT_THAT(ranges_for("x.gguf"), ElementsAre("", "bytes=100000-", "bytes=200000-", "bytes=300000-"));
  EXPECT_EQ(hub_.requests_for("x.gguf")[1]["if_range"], "\"v1\"");
}

TEST_F(HubTest, GoesOnWhereAnotherProcessStopped) {
  const std::string content = fake_file("x.gguf", kFakeBig);
  folder_.write("hf/plain/one/x.gguf.part", content.substr(0, 200'000));
  const fs::path path = pull_quickly("hf:plain/one");
  EXPECT_EQ(read_file(path), content);
  EXPECT_THAT(ranges_for("x.gguf"), ElementsAre("bytes=200000-"));
  EXPECT_THAT(files_under(folder_.path() / "hf/plain/one"), UnorderedElementsAre("x.gguf", ".pulled.json"));
}

TEST_F(HubTest, BeginsAnewWhenThePartFromBeforeDoesNotFit) {
  folder_.write("hf/plain/one/x.gguf.part", std::string(200'000, 'x'));
  EXPECT_EQ(read_file(pull_quickly("hf:plain/one")), fake_file("x.gguf", kFakeBig));
  EXPECT_THAT(ranges_for("x.gguf"), ElementsAre("bytes=200000-", ""));
}

TEST_F(HubTest, BeginsAnewWhenThePartIsLongerThanTheFile) {
  folder_.write("hf/plain/one/x.gguf.part", std::string(kFakeBig + 1, 'x'));
  EXPECT_EQ(read_file(pull_quickly("hf:plain/one")), fake_file("x.gguf", kFakeBig));
}

TEST_F(HubTest, BeginsAnewWhenTheServerKnowsNoRanges) {
  EXPECT_EQ(read_file(pull_quickly("hf:norange/one")), fake_file("x.gguf", kFakeBig));
  EXPECT_THAT(ranges_for("x.gguf"), ElementsAre("", "bytes=100000-"));
}

TEST_F(HubTest, BeginsAnewWhenTheFileChangedMeanwhile) {
  EXPECT_EQ(read_file(pull_quickly("hf:changed/one")), fake_content(7, kFakeBig));
  EXPECT_THAT(ranges_for("x.gguf"), ElementsAre("", "bytes=100000-", ""));
}

TEST_F(HubTest, GivesUpWhenNothingNewComes) {
  EXPECT_EQ(error_of("hf:stubborn/one").kind(), ErrorKind::kNetwork);
  EXPECT_EQ(hub_.requests_for("x.gguf").size(),
            6u);  // the first brought something, then five in a row did not
  EXPECT_THAT(files_under(folder_.path() / "hf/stubborn/one"),
              UnorderedElementsAre("x.gguf.part", "x.gguf.part.origin"));
}

TEST_F(HubTest, TriesAgainWhenTheConnectionStalls) {
  EXPECT_EQ(read_file(pull_quickly("hf:stall/one")), fake_file("x.gguf", kFakeBig));
  EXPECT_THAT(ranges_for("x.gguf"), ElementsAre("", "bytes=100000-"));
}

TEST_F(HubTest, WaitsForABusyServer) {
  EXPECT_EQ(read_file(pull_quickly("hf:busy/one")), fake_file("x.gguf", kFakeBig));
  EXPECT_EQ(hub_.requests_for("x.gguf").size(), 3u);
}

TEST_F(HubTest, KeepsNothingOfAWrongHash) {
  const Error error = error_of("hf:wronghash/one");
  EXPECT_EQ(error.kind(), ErrorKind::kNetwork);
  EXPECT_THAT(error.what(), HasSubstr("hash"));
  EXPECT_TRUE(files_under(folder_.path()).empty());
  EXPECT_EQ(hub_.requests_for("x.gguf").size(), 1u);
}

TEST_F(HubTest, RefusesAFileLongerThanTheListingSays) {
  EXPECT_THAT(error_of("hf:liar/one").what(),
              HasSubstr("must have 350000 bytes, and the server sends 350004"));
  EXPECT_THAT(error_of("hf:endless/one").what(), HasSubstr("the server sends more"));
}

TEST_F(HubTest, ChecksTheDiskBeforeItDownloads) {
  EXPECT_EQ(error_of("hf:plain/huge").kind(), ErrorKind::kResource);
  EXPECT_TRUE(hub_.requests_for("x.gguf").empty());
}

TEST_F(HubTest, SaysHowToOpenAGatedRepository) {
  EXPECT_THAT(error_of("hf:gated/one").hint(), HasSubstr("set HF_TOKEN"));
  EXPECT_THAT(error_of("hf:gated/one", "wrong").hint(), HasSubstr("HF_TOKEN was sent"));
  EXPECT_EQ(read_file(pull_quickly("hf:gated/one", "secret")), fake_file("x.gguf", kFakeBig));
}

TEST_F(HubTest, TakesTheTokenFromTheEnvironment) {
  const TestVariable token("HF_TOKEN", "secret");
  EXPECT_EQ(pull("hf:gated/one", events_).filename(), "x.gguf");
}

TEST_F(HubTest, SaysThatARepositoryOrFileIsMissing) {
  EXPECT_THAT(error_of("hf:missing/one").what(), HasSubstr("404"));
  EXPECT_THAT(error_of("hf:plain/one:y.gguf").what(), HasSubstr("must be a file of the repository"));
  EXPECT_THAT(error_of("hf:noapi/one").what(), HasSubstr("must answer with a JSON object"));
}

TEST_F(HubTest, FollowsARedirectWithoutTheToken) {
  EXPECT_EQ(read_file(pull_quickly("hf:redirect/one", "secret")), fake_file("x.gguf", kFakeBig));
  const auto requests = hub_.requests_for("x.gguf");
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0]["authorization"], "Bearer secret");
  EXPECT_EQ(requests[1]["cdn"], true);
  EXPECT_EQ(requests[1]["authorization"], "");
}

TEST_F(HubTest, LeavesHostileNamesAlone) {
  pull_quickly("hf:plain/ignored");
  EXPECT_THAT(files_under(folder_.path()),
              UnorderedElementsAre("hf/plain/ignored/config.json", "hf/plain/ignored/tokenizer.json",
                                   "hf/plain/ignored/model.safetensors", "hf/plain/ignored/.pulled.json"));
  const Error error = error_of("hf:plain/refused");
  EXPECT_EQ(error.kind(), ErrorKind::kNetwork);
  EXPECT_THAT(std::string(error.what()), Not(HasSubstr("\x1b")));
}

TEST_F(HubTest, AServerThatIsNotThereFailsAtOnce) {
  HubConfig config = hub_.config();
  config.endpoint = "http://127.0.0.1:1";
  config.policy.first_pause = std::chrono::seconds(60);
  EXPECT_THROW(pull_hf(parse_hf_spec("hf:a/b"), config, events_), Error);
}

TEST_F(HubTest, OfflineTouchesNothing) {
  const TestVariable offline("LONGSCROLL_OFFLINE", "1");
  EXPECT_THROW(pull("hf:plain/one", events_), Error);
  EXPECT_THROW(pull("smollm2-135m", events_), Error);
  EXPECT_TRUE(hub_.log().empty());
}

TEST_F(HubTest, ReportsProgressUpToTheWhole) {
  std::vector<PullProgress> seen;
  events_.progress = [&seen](const PullProgress& progress) { seen.push_back(progress); };
  pull_quickly("hf:cut/one");
  ASSERT_GE(seen.size(), 2u);
  EXPECT_EQ(seen.front().done, 0u);
  EXPECT_EQ(seen.back().done, kFakeBig);
  for (const PullProgress& progress : seen) {
    EXPECT_EQ(progress.file, "x.gguf");
    EXPECT_EQ(progress.total, kFakeBig);
  }
}

TEST_F(HubTest, StopsWhenCancelledAndGoesOnLater) {
  std::atomic<bool> cancel = false;
  events_.cancel = &cancel;
  events_.progress = [&cancel](const PullProgress& progress) { cancel = progress.done > 0; };
  EXPECT_EQ(error_of("hf:stall/one").kind(), ErrorKind::kCancelled);
  EXPECT_TRUE(fs::exists(folder_.path() / "hf/stall/one/x.gguf.part"));
  cancel = false;
  events_.progress = {};
  EXPECT_EQ(read_file(pull_quickly("hf:stall/one")), fake_file("x.gguf", kFakeBig));
}

}  // namespace
}  // namespace longscroll
