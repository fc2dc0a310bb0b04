#include "eval/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "eval/test_runs.h"

namespace longscroll {
namespace {

EvalRecord some_record() {
  EvalRecord record;
  record.task = "读";
  record.id = "a\"b";
  record.index = 3;
  record.prompt_sha256 = "00";
  record.prompt_tokens = 10;
  record.prediction = "line\nline\xE2\x80\xA8";
  record.finish = "stop";
  record.choice_log_likelihoods = {-0.1, -1e-17};
  record.choice_tokens = {1, 2};
  record.metric = "needle.v1";
  record.score = 1.0 / 3;
  record.parts = {{"rouge1", 0.1}};
  record.fields = {{"length", 5}};
  record.prefill_seconds = 0.25;
  return record;
}

TEST(Records, ComeBackAsTheyWereWrittenAndOnOneLine) {
  const std::string line = to_line(some_record());
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
  const EvalRecord back = parse_record(std::string_view(line).substr(0, line.size() - 1), "f", 1);
  EXPECT_EQ(to_line(back), line);
  EXPECT_EQ(back.score, 1.0 / 3);
}

TEST(Records, EveryFaultIsNamedByFileAndLine) {
  std::string line = to_line(some_record());
  line.pop_back();
  nlohmann::json good = nlohmann::json::parse(line);
  const auto fault = [](const std::string& text) {
    return test::error_of(ErrorKind::kFile, [&] { parse_record(text, "run/records.jsonl", 7); });
  };
  for (const auto& [key, value] : good.items()) {
    if (key == "choice_log_likelihoods" || key == "choice_tokens") continue;
    nlohmann::json changed = good;
    changed.erase(key);
    EXPECT_THAT(fault(changed.dump()), testing::HasSubstr("7")) << key;
    if (key == "fields" || key == "truncation") continue;  // any value will do
    changed = good;
    changed[key] = {{"another", "type"}};
    EXPECT_NE(fault(changed.dump()), "") << key;
  }
  nlohmann::json negative = good;
  negative["prompt_tokens"] = -1;
  EXPECT_THAT(fault(negative.dump()), testing::HasSubstr("prompt_tokens"));
  EXPECT_THAT(fault("{\"task\": 1"), testing::HasSubstr("line 7"));
  EXPECT_THAT(fault("\xff"), testing::HasSubstr("UTF-8"));
  EXPECT_THAT(fault("[]"), testing::HasSubstr("object"));
}

}  // namespace
}  // namespace longscroll
