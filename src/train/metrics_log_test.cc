#include "train/metrics_log.h"

#include <gtest/gtest.h>

#include "base/test_folder.h"

namespace longscroll::train {
namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(MetricsLog, AppendsALineAStep) {
  const test::TempFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  MetricsLog log(path, 0);
  log.append({{"step", 1}, {"loss", 2.5}});
  log.append({{"step", 2}, {"loss", 2.25}});
  EXPECT_EQ(text_of(path), "{\"step\":1,\"loss\":2.5}\n{\"step\":2,\"loss\":2.25}\n");
}

TEST(MetricsLog, DropsLinesOfStepsThatWillBeMadeAgainAndTheOneThatWasCut) {
  const test::TempFolder folder;
  const auto path = folder.write("metrics.jsonl", "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"st");
  MetricsLog log(path, 2);
  log.append({{"step", 3}, {"again", true}});
  EXPECT_EQ(text_of(path), "{\"step\":1}\n{\"step\":2}\n{\"step\":3,\"again\":true}\n");
}

TEST(MetricsLog, KeepsNothingOfARunThatBeginsAgain) {
  const test::TempFolder folder;
  const auto path = folder.write("metrics.jsonl", "{\"step\":0}\n{\"step\":1}\n");
  MetricsLog log(path, 0);
  log.append({{"step", 0}, {"again", true}});
  EXPECT_EQ(text_of(path), "{\"step\":0,\"again\":true}\n");
}

}  // namespace
}  // namespace longscroll::train
