// Run by mpiexec with 1, 2 and 4 processes (processes_test.cmake): what several processes come to, held
// against one process alone, which each of them computes beside it.
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/error.h"
#include "train/flat_parameters.h"
#include "train/test_models.h"
#include "train/test_run.h"

namespace longscroll::train {
namespace {

using test::expect_near;
using test::run_small_task;
using test::RunResult;
using test::small_recipe;
using test::SmallTask;

std::unique_ptr<Communicator> everyone;

// One folder for all processes, another for each test of a run.
std::filesystem::path shared_folder(const std::string& name) {
  std::string path =
      (std::filesystem::path(testing::TempDir()) / ("longscroll-mpi-" + std::to_string(::getpid()))).string();
  everyone->broadcast(path);
  return std::filesystem::path(path) / name;
}

Recipe alone_recipe(const std::filesystem::path& folder) {
  return small_recipe(folder / ("alone-" + std::to_string(everyone->rank())), 8, 64);
}

// Sums over processes are in another order than sums over packs: float32's rounding, as in trainer_test.cc.
TEST(Processes, ComeToTheSameLossesNormsAndWeightsAsOne) {
  const auto folder = shared_folder("same");
  Communicator alone;
  const RunResult one = run_small_task(alone, alone_recipe(folder), 10);
  const RunResult all = run_small_task(*everyone, small_recipe(folder / "all", 8, 64), 10);
  expect_near(all.weights, one.weights, 5e-6f);
  for (size_t step = 0; step < all.losses.size(); ++step) {  // process 0 alone has any
    EXPECT_NEAR(all.losses[step], one.losses[step], 2e-6);
    EXPECT_NEAR(all.norms[step], one.norms[step], 2e-6);
  }
}

// Eight documents, each a piece of its own shared out to the processes, against one pass over all eight: the
// tolerance of language_model_test.cc for float32 numbers that are added up in another order.
TEST(Processes, AddUpEveryGradientOfAModelToThatOfOnePass) {
  for (const char* architecture : {"index", "qwen2"}) {
    LanguageModel whole = test::make_model(architecture, test::plain_options());
    const data::Pack pack = test::random_pack({9, 8, 7, 6, 5, 12, 11, 10}, whole.config().vocab_size, 21);
    LanguageModel pieces = test::make_model(architecture, test::plain_options());
    std::vector<NamedTensor> named;
    for (const auto& item : pieces.named_parameters()) named.emplace_back(item.key(), item.value());
    FlatParameters parameters(named, everyone->size());
    for (auto d = static_cast<size_t>(everyone->rank()); d < pack.starts.size(); d += everyone->size())
      pieces.loss_sum(test::document_of(pack, d)).backward();
    float* gradients = parameters.gradients().data_ptr<float>();
    everyone->reduce_to_shards(gradients, parameters.shard());
    everyone->gather_shards(gradients, parameters.shard());
    const double away = test::largest_distance(test::gradients_of(pieces), test::loss_gradients(whole, pack));
    EXPECT_LT(away, 1e-6) << architecture;
  }
}

TEST(Processes, ResumeToTheSameBitsInTheSameNumber) {
  const auto folder = shared_folder("resume");
  const RunResult whole = run_small_task(*everyone, small_recipe(folder / "whole", 8, 64), 10);
  const Recipe recipe = small_recipe(folder / "stopped", 8, 64);
  run_small_task(*everyone, recipe, 5);
  const RunResult resumed = run_small_task(*everyone, recipe, 10, /*resume=*/true);
  EXPECT_EQ(resumed.weights, whole.weights);
}

TEST(Processes, ResumeInAnotherNumber) {
  const auto folder = shared_folder("other-number");
  Communicator alone;
  const RunResult whole = run_small_task(alone, alone_recipe(folder), 10);
  const Recipe recipe = small_recipe(folder / "all", 8, 64);
  run_small_task(*everyone, recipe, 4);
  // Each process goes on by itself with what all wrote together.
  everyone->barrier();
  Recipe copy = small_recipe(folder / ("copy-" + std::to_string(everyone->rank())), 8, 64);
  std::filesystem::create_directories(std::filesystem::path(copy.run.out) / "checkpoints");
  std::filesystem::copy(folder / "all/checkpoints", std::filesystem::path(copy.run.out) / "checkpoints",
                        std::filesystem::copy_options::recursive);
  const RunResult resumed = run_small_task(alone, copy, 10, /*resume=*/true);
  expect_near(resumed.weights, whole.weights, 5e-6f);
}

TEST(Processes, FailTogether) {
  const int last = everyone->size() - 1;
  try {
    together(*everyone, [&] {
      if (everyone->rank() == last) throw Error(ErrorKind::kResource, "disk", "full");
    });
    ADD_FAILURE() << "nobody threw";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
  }
  EXPECT_NO_THROW(together(*everyone, [] {}));
}

TEST(Processes, NameABadPackThatOneOfThemHas) {
  const auto folder = shared_folder("bad");
  SmallTask task(8);
  task.broken_pack = 8 * 2 + 3;
  Trainer trainer(task, *everyone, small_recipe(folder, 8, 64), Stage::kPretrain, 10, 0);
  try {
    trainer.run({});
    ADD_FAILURE() << "went on";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("pack 19"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace longscroll::train

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  longscroll::train::everyone = longscroll::train::make_communicator();
  const int result = RUN_ALL_TESTS();
  std::vector<uint64_t> failures = {static_cast<uint64_t>(result != 0)};
  longscroll::train::everyone->sum(std::span(failures));
  longscroll::train::everyone.reset();
  return failures[0] == 0 ? 0 : 1;
}
