#include "train/training_state.h"

#include <unistd.h>

#include <fstream>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"

namespace longscroll::train {
namespace {

namespace fs = std::filesystem;

const std::vector<ParameterShape> kParameters = {{"a", {4, 8}}, {"norm", {3}}};

std::vector<float> counting(size_t count, float first) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

struct Written {
  std::vector<float> weights = counting(48, 0.0f);
  std::vector<float> exp_avg = counting(48, 100.0f);
  std::vector<float> exp_avg_sq = counting(48, 200.0f);

  StateShard shard() const { return {weights, exp_avg, exp_avg_sq}; }
};

TrainingState state_at(uint64_t step) {
  return {.step = step,
          .tokens = step * 1000,
          .loss_weight = step * 900,
          .stage = "pt",
          .recipe = "[model]\n",
          .processes = 1,
          .shard = 48,
          .parameters = kParameters};
}

void save_nothing(const fs::path&) {}

class Checkpoint : public testing::Test {
 protected:
  // One process's, of state_at's state.
  void write(uint64_t step, uint64_t keep,
             const std::function<void(const fs::path&)>& save_model = save_nothing) {
    checkpoints.prepare();
    write_checkpoint(alone, checkpoints, state_at(step), written.shard(), keep, save_model);
  }

  test::TempFolder folder;
  const CheckpointFolder checkpoints{folder.path() / "checkpoints"};
  Communicator alone;
  const Written written;
};

TEST_F(Checkpoint, IsReadBackAsItWasWritten) {
  write(7, 3, [](const fs::path& directory) { std::ofstream(directory / "config.json") << "{}"; });
  ASSERT_EQ(checkpoints.newest(), 7u);
  const fs::path path = checkpoints.path_of(7);
  EXPECT_TRUE(fs::exists(path / "config.json"));
  const TrainingState state = read_training_state(path);
  EXPECT_EQ(state.step, 7u);
  EXPECT_EQ(state.tokens, 7000u);
  EXPECT_EQ(state.loss_weight, 6300u);
  EXPECT_EQ(state.recipe, "[model]\n");
  EXPECT_EQ(state.parameters, kParameters);

  // As one of three processes would, with padding behind the end.
  std::vector<float> weights(16, -1), exp_avg(16, -1), exp_avg_sq(16, -1);
  read_state_shard(path, state, 16, {weights, exp_avg, exp_avg_sq});
  EXPECT_EQ(weights, counting(16, 16.0f));
  EXPECT_EQ(exp_avg, counting(16, 116.0f));
  EXPECT_EQ(exp_avg_sq, counting(16, 216.0f));
  read_state_shard(path, state, 40, {weights, {}, {}});
  EXPECT_EQ(weights[7], 47.0f);
  EXPECT_EQ(weights[8], 0.0f);
}

TEST_F(Checkpoint, KeepsTheNewest) {
  for (uint64_t step = 5; step <= 25; step += 5) {
    write(step, 2);
  }
  EXPECT_EQ(checkpoints.steps(), (std::vector<uint64_t>{20, 25}));
}

TEST_F(Checkpoint, ThatFailsLeavesTheEarlierOnesAndNothingElse) {
  write(5, 1);
  EXPECT_THROW(write(10, 1, [](const fs::path&) { throw Error(ErrorKind::kResource, "disk", "full"); }),
               Error);
  EXPECT_EQ(checkpoints.steps(), std::vector<uint64_t>{5});
  const fs::directory_iterator entries(folder.path() / "checkpoints");
  EXPECT_EQ(std::distance(entries, {}), 1);
  EXPECT_NO_THROW(read_training_state(checkpoints.path_of(5)));
}

TEST_F(Checkpoint, LeftoversOfAnInterruptedWriteAreRemovedAndNeverTaken) {
  folder.write("checkpoints/step-00000009.tmp-123-0/training/state.json", "{");
  folder.write("checkpoints/step-00000004.old-123-0/config.json", "{}");
  folder.write("checkpoints/notes/mine.txt", "stays");
  EXPECT_EQ(checkpoints.newest(), std::nullopt);
  checkpoints.prepare();
  EXPECT_FALSE(fs::exists(folder.path() / "checkpoints/step-00000009.tmp-123-0"));
  EXPECT_FALSE(fs::exists(folder.path() / "checkpoints/step-00000004.old-123-0"));
  EXPECT_TRUE(fs::exists(folder.path() / "checkpoints/notes/mine.txt"));
}

TEST_F(Checkpoint, CutShortIsRefusedByName) {
  write(5, 1);
  const fs::path training = checkpoints.path_of(5) / "training";
  const fs::path shard = training / "shard-00000-of-00001.safetensors";
  const std::string state_before = [&] {
    std::ifstream file(training / "state.json");
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  for (size_t length = 0; length < state_before.size() - 2; length += 7) {
    std::ofstream(training / "state.json") << state_before.substr(0, length);
    EXPECT_THROW(read_training_state(checkpoints.path_of(5)), Error) << length;
  }
  std::ofstream(training / "state.json") << state_before;
  fs::resize_file(shard, fs::file_size(shard) - 1);
  try {
    read_training_state(checkpoints.path_of(5));
    FAIL() << "a cut shard was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("shard-00000-of-00001.safetensors"));
  }
}

}  // namespace
}  // namespace longscroll::train
