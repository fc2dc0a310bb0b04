#include "corpus/task_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "corpus/test_corpus.h"

namespace longscroll::corpus {
namespace {

using test::error_of;
using test::TempFolder;
using testing::HasSubstr;

constexpr size_t kTasks = 40;
const std::vector<uint64_t> kWeights(kTasks, 1);

Json report_of(size_t task) {
  return {{"task", task}};
}

TEST(TaskClaims, ATaskIsOnesUntilItIsGivenBack) {
  const TempFolder folder;
  TaskClaims first(folder.path() / "claims");
  auto second = std::make_unique<TaskClaims>(folder.path() / "claims");
  EXPECT_TRUE(first.take(3));
  EXPECT_FALSE(second->take(3));
  EXPECT_TRUE(second->take(4));
  EXPECT_FALSE(first.take(4));
  first.give_back(3);
  EXPECT_TRUE(second->take(3));
  second.reset();  // as when its process ends
  EXPECT_TRUE(first.take(3));
  EXPECT_TRUE(first.take(4));
}

TEST(TaskList, DoesEachTaskOnceAndReportsInOrder) {
  const TempFolder folder;
  std::atomic<size_t> done{0};
  const TaskList list(folder.path(), "map", kWeights);
  list.run([&](size_t task) { return ++done, report_of(task); }, 4, {});
  EXPECT_EQ(done, kTasks);
  const std::vector<Json> reports = list.reports();
  ASSERT_EQ(reports.size(), kTasks);
  for (size_t i = 0; i < kTasks; ++i) EXPECT_EQ(reports[i].at("task"), i);
}

TEST(TaskList, ProcessesOnOneFolderShareTheTasks) {
  const TempFolder folder;
  std::vector<std::atomic<int>> times(kTasks);
  std::vector<std::thread> processes;
  for (int i = 0; i < 4; ++i) {
    processes.emplace_back([&] {
      const TaskList list(folder.path(), "map", kWeights);
      list.run(
          [&](size_t task) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            ++times[task];
            return report_of(task);
          },
          1, {});
      EXPECT_EQ(list.reports().size(), kTasks);  // all are done when any returns
    });
  }
  for (std::thread& process : processes) process.join();
  for (const std::atomic<int>& count : times) EXPECT_EQ(count, 1);
}

TEST(TaskList, GoesOnAfterAFaultWithWhatIsMissing) {
  const TempFolder folder;
  const TaskList list(folder.path(), "map", kWeights);
  const auto failing = [](size_t task) -> Json {
    if (task == 17) throw Error(ErrorKind::kResource, "disk", "must have room, is full");
    return report_of(task);
  };
  EXPECT_THAT(error_of([&] { list.run(failing, 1, {}); }), HasSubstr("is full"));
  std::vector<size_t> done;
  list.run([&](size_t task) { return done.push_back(task), report_of(task); }, 1, {});
  EXPECT_EQ(done.size(), kTasks - 17);
  EXPECT_EQ(done.front(), 17U);
}

TEST(TaskList, StopsWhenItIsCancelled) {
  const TempFolder folder;
  std::atomic<bool> cancel{false};
  data::ReadEvents events;
  events.cancel = &cancel;
  const TaskList list(folder.path(), "map", kWeights);
  const auto work = [&](size_t task) {
    if (task == 5) cancel = true;
    return report_of(task);
  };
  EXPECT_THAT(error_of([&] { list.run(work, 1, events); }), HasSubstr("cancelled"));
}

TEST(TaskList, CountsWeightsForProgress) {
  const TempFolder folder;
  std::vector<uint64_t> seen;
  data::ReadEvents events;
  events.progress = [&](uint64_t done, uint64_t total) {
    EXPECT_EQ(total, 6U);
    seen.push_back(done);
  };
  TaskList(folder.path(), "map", {1, 2, 3}).run(report_of, 1, events);
  EXPECT_EQ(seen, (std::vector<uint64_t>{1, 3, 6}));
}

}  // namespace
}  // namespace longscroll::corpus
