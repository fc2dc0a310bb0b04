#include "apps/extend_stages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "apps/extend_corpus.h"
#include "base/error.h"
#include "base/test_errors.h"
#include "base/test_folder.h"

namespace longscroll {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;

class ExtendStages : public testing::Test {
 protected:
  ExtendPlan plan() const {
    ExtendPlan made;
    made.settings.model = "some/model";
    made.settings.window = 2048;
    made.settings.corpus = {"books"};
    made.settings.out = (folder_.path() / "out").string();
    made.settings.batch_tokens = 4096;
    made.settings.tokens = 10'000;
    made.settings.texts = 2;
    made.old_window = 512;
    made.base = 50'000;
    made.program = "/bin/longscroll";
    made.trainer = "/bin/longscroll-train";
    return made;
  }

  static std::vector<std::string> names(const std::vector<ExtendStage>& stages) {
    std::vector<std::string> found;
    for (const ExtendStage& stage : stages) found.push_back(stage.name);
    return found;
  }

  void finish(const ExtendPlan& made, const ExtendStage& stage) const {
    for (const std::filesystem::path& path : {stage.product, done_mark(made, stage)}) {
      std::filesystem::create_directories(path.parent_path());
      std::ofstream(path) << "{}";
    }
  }

  test::TempFolder folder_;
};

TEST_F(ExtendStages, AreTheOnesThatWereAskedFor) {
  ExtendPlan made = plan();
  EXPECT_THAT(names(extend_stages(made)),
              ElementsAre("corpus", "shards", "map-before", "needle-before", "long-pt", "model", "map-after",
                          "needle-after", "report"));
  made.settings.sft = "chat.jsonl";
  made.settings.needle_repeats = 0;
  EXPECT_THAT(names(extend_stages(made)), ElementsAre("corpus", "shards", "map-before", "long-pt", "long-sft",
                                                      "model", "map-after", "report"));
}

TEST_F(ExtendStages, TheModelGoesFromStageToStage) {
  ExtendPlan made = plan();
  made.settings.sft = "chat.jsonl";
  const std::vector<ExtendStage> stages = extend_stages(made);
  const std::string out = made.settings.out;
  EXPECT_THAT(stages[2].command, IsSupersetOf({"some/model", "--lengths", "128,256,512,1024,2048"}));
  EXPECT_THAT(stages[4].command,
              IsSupersetOf({"/bin/longscroll-train", "pt", "--resume", "model.path=some/model",
                            "model.rope_base=50000", "model.window=2048"}));
  EXPECT_THAT(stages[5].command, Contains("model.path=" + out + "/long-pt/model"));
  EXPECT_EQ(made.trained(), out + "/long-sft");
  EXPECT_THAT(stages[7].command, Contains(out + "/model"));
}

TEST_F(ExtendStages, TheFirstOnesAreDone) {
  const ExtendPlan made = plan();
  const std::vector<ExtendStage> stages = extend_stages(made);
  EXPECT_EQ(stages_done(made, stages), 0U);
  finish(made, stages[0]);
  finish(made, stages[1]);
  EXPECT_EQ(stages_done(made, stages), 2U);
  std::filesystem::remove(stages[1].product);  // its mark alone is not enough
  EXPECT_EQ(stages_done(made, stages), 1U);
}

TEST_F(ExtendStages, AStageThatIsGoneBehindWhatWasMadeOfItIsAnError) {
  const ExtendPlan made = plan();
  const std::vector<ExtendStage> stages = extend_stages(made);
  finish(made, stages[0]);
  finish(made, stages[2]);
  EXPECT_THAT(test::error_of([&] { stages_done(made, stages); }),
              AllOf(HasSubstr("shards"), HasSubstr("map-before")));
}

TEST_F(ExtendStages, LengthsGoFromShortToTheNewWindow) {
  EXPECT_THAT(perplexity_lengths(4096, 20'000), ElementsAre(1024, 2048, 4096, 8192, 16'384, 20'000));
  EXPECT_THAT(perplexity_lengths(24, 50), ElementsAre(24, 48, 50));
  EXPECT_THAT(needle_lengths(512, 4096, 300), ElementsAre(512, 1024, 2048, 4064));
  EXPECT_THAT(needle_lengths(512, 4096, 9999), ElementsAre(4064));
}

TEST_F(ExtendStages, ARecipeReadsTheShardsUnlessItNamesData) {
  const ExtendPlan made = plan();
  const std::string own = pt_recipe_text(made, std::nullopt);
  EXPECT_THAT(own, AllOf(HasSubstr("sequence_length = 2048"), HasSubstr("steps = 3\n"),
                         HasSubstr("/shards/train\""), HasSubstr("/shards/held-out\"")));
  EXPECT_THAT(pt_recipe_text(made, "[length]\nsteps = 9"),
              AllOf(HasSubstr("steps = 9\n"), HasSubstr("/shards/train")));
  const std::string named = "[[data.sources]]\npath = \"mine\"\n";
  EXPECT_EQ(pt_recipe_text(made, named), named);
}

TEST_F(ExtendStages, AnotherCourseIsRefusedByName) {
  ExtendSettings settings = plan().settings;
  std::filesystem::create_directories(settings.out);
  keep_settings(settings.out, describe_settings(settings));
  settings.threads = 7;  // changes nothing of the outcome
  EXPECT_NO_THROW(keep_settings(settings.out, describe_settings(settings)));
  settings.learning_rate = 1e-3;
  EXPECT_THAT(test::error_of([&] { keep_settings(settings.out, describe_settings(settings)); }),
              AllOf(HasSubstr("--learning-rate"), HasSubstr("2e-05"), HasSubstr("0.001")));
}

TEST_F(ExtendStages, ARecipeThatWasEditedIsAnotherOne) {
  ExtendSettings settings = plan().settings;
  settings.pt_recipe = (folder_.path() / "pt.toml").string();
  std::ofstream(settings.pt_recipe) << "a = 1\n";
  std::filesystem::create_directories(settings.out);
  keep_settings(settings.out, describe_settings(settings));
  std::ofstream(settings.pt_recipe) << "a = 2\n";
  EXPECT_THAT(test::error_of([&] { keep_settings(settings.out, describe_settings(settings)); }),
              HasSubstr("--pt-recipe"));
}

TEST(CorpusSplit, ATextGoesTheSameWayWheneverItComes) {
  CorpusSplit split;
  EXPECT_FALSE(split.keeps_apart("a text"));
  split.bound = ~uint64_t{0};
  EXPECT_TRUE(split.keeps_apart("a text"));
  split.bound = uint64_t{1} << 61;  // an eighth
  int apart = 0;
  for (int i = 0; i < 800; ++i) apart += split.keeps_apart("text " + std::to_string(i)) ? 1 : 0;
  EXPECT_NEAR(apart, 100, 40);
}

}  // namespace
}  // namespace longscroll
