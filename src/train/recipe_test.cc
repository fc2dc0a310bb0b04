#include "train/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "train/recipe_fields.h"

namespace longscroll::train {
namespace {

using testing::HasSubstr;

constexpr const char* kSmall = R"([model]
path = "tiny"
[data]
sequence_length = 1024
[[data.sources]]
path = "shards"
weight = 2
[[data.buckets]]
from = 4096
weight = 1
[batch]
tokens = 8_192
[length]
steps = 100
[optimizer]
learning_rate = 1e-5
warmup_steps = 5
[run]
out = "runs/tiny"
)";

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string error_of_text(const std::string& text) {
  return error_of([&] { parse_recipe(text, "r.toml"); });
}

TEST(Recipe, ReadsFieldsAndKeepsDefaults) {
  const Recipe recipe = parse_recipe(kSmall, "r.toml");
  EXPECT_EQ(recipe.model.path, "tiny");
  EXPECT_EQ(recipe.batch.tokens, 8192u);
  ASSERT_EQ(recipe.data.sources.size(), 1u);
  EXPECT_EQ(recipe.data.sources[0].weight, 2.0);
  ASSERT_EQ(recipe.data.buckets.size(), 1u);
  EXPECT_EQ(recipe.data.buckets[0].from, 4096u);
  EXPECT_EQ(recipe.optimizer.weight_decay, 0.1);
  EXPECT_NO_THROW(validate(recipe, Stage::kPretrain));
  EXPECT_EQ(packs_per_batch(recipe), 8u);
}

TEST(Recipe, NamesTheLineAndTheNearestKeyOfAMisspeltOne) {
  const std::string error = error_of_text("[optimizer]\nlearning_rat = 1\n");
  EXPECT_THAT(error, HasSubstr("[r.toml:2]"));
  EXPECT_THAT(error, HasSubstr("found optimizer.learning_rat"));
  EXPECT_THAT(error, HasSubstr("did you mean optimizer.learning_rate?"));
}

TEST(Recipe, FindsAKeyThatStandsInTheWrongTable) {
  EXPECT_THAT(error_of_text("[run]\nseed = 3\n"), HasSubstr("did you mean data.seed?"));
  EXPECT_THAT(error_of_text("clip_norm = 1.0\n"), HasSubstr("did you mean optimizer.clip_norm?"));
}

TEST(Recipe, NamesNoNearestKeyWhereNoneIsNear) {
  const std::string error = error_of_text("[run]\nzzzzzzzzqqqqqqq = 3\n");
  EXPECT_THAT(error, HasSubstr("run.zzzzzzzzqqqqqqq"));
  EXPECT_THAT(error, testing::Not(HasSubstr("did you mean")));
}

TEST(Recipe, RefusesAKeyUnknownInASource) {
  EXPECT_THAT(error_of_text("[[data.sources]]\npath = \"x\"\nwieght = 1\n"),
              testing::AllOf(HasSubstr("[r.toml:3]"), HasSubstr("did you mean weight?")));
}

TEST(Recipe, RefusesAValueOfTheWrongKind) {
  EXPECT_THAT(error_of_text("[batch]\ntokens = \"many\"\n"),
              HasSubstr("batch.tokens must be a whole number"));
  EXPECT_THAT(error_of_text("[batch]\ntokens = -1\n"), HasSubstr("batch.tokens must be a whole number"));
  EXPECT_THAT(error_of_text("[optimizer]\nbeta1 = nan\n"), HasSubstr("must be a finite number"));
  EXPECT_THAT(error_of_text("[lora]\ntargets = [1]\n"), HasSubstr("lora.targets must be a list of texts"));
}

TEST(Recipe, SaysWhereTomlEnds) {
  EXPECT_THAT(error_of_text("[model]\npath = \n"), HasSubstr("[r.toml:2] must be TOML"));
}

TEST(Recipe, IsTheSameAfterWritingAndReading) {
  Recipe recipe = parse_recipe(kSmall, "r.toml");
  recipe.model.path = "a \"quoted\"\n\\path\x7f of 模型";
  recipe.optimizer.learning_rate = 0.1 + 0.2;
  recipe.evaluation.command = {"eval", "{checkpoint}"};
  const std::string text = write_recipe(recipe);
  const Recipe again = parse_recipe(text, "again.toml");
  EXPECT_EQ(again.model.path, recipe.model.path);
  EXPECT_EQ(again.optimizer.learning_rate, recipe.optimizer.learning_rate);
  EXPECT_EQ(again.evaluation.command, recipe.evaluation.command);
  EXPECT_EQ(write_recipe(again), text);
}

TEST(Recipe, SetsFieldsFromTheCommandLine) {
  Recipe recipe = parse_recipe(kSmall, "r.toml");
  set_field(recipe, "optimizer.learning_rate=2e-5");
  set_field(recipe, "model.path=build/models/x=y");
  set_field(recipe, "run.out=\"quoted\"");
  set_field(recipe, "data.sources.0.path=other");
  set_field(recipe, "lora.targets=[\"q_proj\"]");
  EXPECT_EQ(recipe.optimizer.learning_rate, 2e-5);
  EXPECT_EQ(recipe.model.path, "build/models/x=y");
  EXPECT_EQ(recipe.run.out, "quoted");
  EXPECT_EQ(recipe.data.sources[0].path, "other");
  EXPECT_EQ(recipe.lora.targets, std::vector<std::string>{"q_proj"});
}

TEST(Recipe, RefusesASettingThatItDoesNotKnow) {
  Recipe recipe = parse_recipe(kSmall, "r.toml");
  EXPECT_THAT(error_of([&] { set_field(recipe, "batch.token=4"); }), HasSubstr("did you mean batch.tokens?"));
  EXPECT_THAT(error_of([&] { set_field(recipe, "batch.tokens=x"); }), HasSubstr("must be a whole number"));
  EXPECT_THAT(error_of([&] { set_field(recipe, "batch.tokens=4\nrun.keep=5"); }), HasSubstr("batch.tokens"));
  EXPECT_THAT(error_of([&] { set_field(recipe, "batch.tokens"); }), HasSubstr("KEY=VALUE"));
  EXPECT_THAT(error_of([&] { set_field(recipe, "data.sources.1.path=x"); }),
              HasSubstr("one of a recipe's 1"));
  EXPECT_THAT(error_of([&] { set_field(recipe, "data.sources.0.wieght=1"); }),
              HasSubstr("did you mean weight?"));
}

TEST(Recipe, ChecksFieldsTogether) {
  const auto error_with = [](const char* setting, Stage stage) {
    Recipe recipe = parse_recipe(kSmall, "r.toml");
    set_field(recipe, setting);
    return error_of([&] { validate(recipe, stage); });
  };
  EXPECT_THAT(error_with("batch.tokens=9000", Stage::kPretrain), HasSubstr("8192 or 9216"));
  EXPECT_THAT(error_with("length.epochs=2", Stage::kPretrain), HasSubstr("one of steps, tokens and epochs"));
  EXPECT_EQ(error_with("data.packing=concatenate", Stage::kPretrain), "");
  EXPECT_THAT(error_with("data.packing=concatenate", Stage::kInstruct), HasSubstr("best-fit, padded"));
  EXPECT_THAT(error_with("model.compute=f16", Stage::kInstruct), HasSubstr("bf16, f32"));
  EXPECT_THAT(error_with("batch.micro_tokens=9", Stage::kPretrain), HasSubstr("must be 1024 to"));
  EXPECT_THAT(error_with("optimizer.final_learning_rate=1", Stage::kPretrain), HasSubstr("0 to 1e-05"));
}

TEST(Recipe, RefusesWhatIsNotForPreferences) {
  const auto error_with = [](const char* setting) {
    Recipe recipe = parse_recipe(kSmall, "r.toml");
    recipe.data.buckets.clear();
    recipe.data.sources[0].weight = 0;
    if (*setting != 0) set_field(recipe, setting);
    return error_of([&] { validate(recipe, Stage::kPrefer); });
  };
  EXPECT_EQ(error_with(""), "");
  EXPECT_THAT(error_with("batch.micro_tokens=4096"), HasSubstr("is for pt and sft"));
  EXPECT_THAT(error_with("data.document_mask=false"), HasSubstr("must stay on for dpo"));
}

TEST(Recipe, TellsChangesOfTheCourseFromOthers) {
  const Recipe before = parse_recipe(kSmall, "r.toml");
  const auto after = [&](const char* setting) {
    Recipe recipe = before;
    set_field(recipe, setting);
    return course_difference(before, recipe);
  };
  EXPECT_EQ(after("run.keep=9"), "");
  EXPECT_EQ(after("model.checkpointing=false"), "");
  EXPECT_EQ(after("batch.micro_tokens=4096"), "batch.micro_tokens was 0, is 4096");
  EXPECT_EQ(after("optimizer.beta1=0.8"), "optimizer.beta1 was 0.9, is 0.8");
  EXPECT_EQ(after("data.sources.0.weight=3"), "data.sources.0.weight was 2, is 3");
}

TEST(Recipe, CountsStepsFromTokensAndEpochs) {
  Recipe recipe = parse_recipe(kSmall, "r.toml");
  EXPECT_EQ(total_steps(recipe, 0), 100u);
  recipe.length = {.tokens = 8192 * 10 + 1};
  EXPECT_EQ(total_steps(recipe, 0), 11u);
  recipe.length = {.epochs = 2};
  EXPECT_EQ(total_steps(recipe, 100), 25u);
  EXPECT_THAT(error_of([&] { total_steps(recipe, 0); }), HasSubstr("length.tokens"));
  EXPECT_THAT(error_of([&] { total_steps(recipe, 8); }), HasSubstr("warmup_steps"));
}

}  // namespace
}  // namespace longscroll::train
