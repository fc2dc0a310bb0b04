#include "hub/child.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "base/error.h"
#include "hub/test_environment.h"

namespace longscroll {
namespace {

using testing::HasSubstr;

ChildRequest shell(const std::string& script) {
  ChildRequest request;
  request.arguments = {"sh", "-c", script};
  return request;
}

TEST(Child, GivesExitCodeAndErrors) {
  const ChildResult result = run_child(shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.errors, "err\n");
  EXPECT_EQ(run_child(shell("kill -9 $$")).exit_code, 128 + 9);
}

TEST(Child, KeepsTheEndOfManyErrors) {
  const ChildResult result =
      run_child(shell("i=0; while [ $i -lt 20000 ]; do echo line; i=$((i+1)); done >&2; echo the end >&2"));
  EXPECT_LE(result.errors.size(), 16384u);
  EXPECT_THAT(result.errors, HasSubstr("the end\n"));
}

TEST(Child, PassesArgumentsAsTheyAre) {
  ChildRequest request;
  request.arguments = {"sh", "-c", "echo \"$1\" >&2", "sh", "a b; $HOME '\""};
  EXPECT_EQ(run_child(request).errors, "a b; $HOME '\"\n");
}

TEST(Child, ChangesItsVariablesOnly) {
  const TestVariable kept("LONGSCROLL_TEST_KEPT", "1"), dropped("LONGSCROLL_TEST_DROPPED", "1");
  ChildRequest request =
      shell("echo $LONGSCROLL_TEST_KEPT-$LONGSCROLL_TEST_DROPPED-$LONGSCROLL_TEST_SET >&2");
  request.set_variables = {{"LONGSCROLL_TEST_SET", "2"}};
  request.drop_variables = {"LONGSCROLL_TEST_DROPPED"};
  EXPECT_EQ(run_child(request).errors, "1--2\n");
}

TEST(Child, OutputGoesToTheEndOfAFileAndErrorsAreToldAsTheyCome) {
  const test::TempFolder folder;
  ChildRequest request = shell("echo out; echo one >&2; sleep 0.3; echo two >&2");
  request.output = folder.path() / "log";
  std::vector<std::string> told;
  request.on_errors = [&told](std::string_view piece) { told.emplace_back(piece); };
  run_child(request);
  run_child(request);
  EXPECT_EQ(read_file(request.output), "out\nout\n");
  EXPECT_THAT(told, testing::ElementsAre("one\n", "two\n", "one\n", "two\n"));
}

TEST(Child, AskedToEndItMayTakeItsTimeAndSaySo) {
  std::atomic<bool> cancel = false;
  ChildRequest request =
      shell("trap 'sleep 0.3; echo saved >&2; exit 143' TERM; echo up >&2; sleep 60 & wait");
  request.cancel = &cancel;
  request.time_to_end = std::chrono::seconds(60);
  std::string told;
  request.on_errors = [&](std::string_view piece) {
    told += piece;
    cancel = true;
  };
  EXPECT_THROW(run_child(request), Error);
  EXPECT_THAT(told, HasSubstr("saved\n"));
}

TEST(Child, DoesNotOutliveTheProgram) {
  const test::TempFolder folder;
  const auto alive = folder.path() / "alive";
  const pid_t program = ::fork();
  if (program == 0) {
    run_child(shell("while :; do date +%s%N > '" + alive.string() + "'; sleep 0.05; done"));
    ::_exit(0);
  }
  while (!std::filesystem::exists(alive)) usleep(10'000);
  ::kill(program, SIGKILL);
  ::waitpid(program, nullptr, 0);
  usleep(200'000);
  const std::string last = read_file(alive);
  usleep(300'000);
  EXPECT_EQ(read_file(alive), last);
}

TEST(Child, HasNoInput) {
  EXPECT_EQ(run_child(shell("cat")).exit_code, 0);
}

TEST(Child, AProgramThatIsNotThereIsAnError) {
  ChildRequest request;
  request.arguments = {"longscroll-no-such-program"};
  EXPECT_THROW(run_child(request), Error);
}

TEST(Child, CancellingEndsWhatItStartedEvenIfItWillNot) {
  const test::TempFolder folder;
  const auto alive = folder.path() / "alive";
  std::atomic<bool> cancel = false;
  ChildRequest request = shell("trap '' TERM; (while :; do date +%s%N > '" + alive.string() +
                               "'; sleep 0.05; done) & wait; sleep 60");
  request.cancel = &cancel;
  request.tick = [&] { cancel = std::filesystem::exists(alive); };
  EXPECT_THROW(run_child(request), Error);
  usleep(200'000);
  const std::string last = read_file(alive);
  usleep(300'000);
  EXPECT_EQ(read_file(alive), last);
}

}  // namespace
}  // namespace longscroll
