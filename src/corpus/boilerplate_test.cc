#include "corpus/boilerplate.h"

#include <gtest/gtest.h>

namespace longscroll::corpus {
namespace {

TEST(Boilerplate, LinesOfNavigationGo) {
  const Boilerplate rest = remove_boilerplate(
      "Home | About us | Contact\n» Sign in\nThe text begins here and goes on.\n"
      "Copyright © 2020 Somebody\n版权所有 © 某某公司\n上一篇：别的文章\n[ Read more ]\nIts end.",
      {});
  EXPECT_EQ(rest.text, "The text begins here and goes on.\nIts end.");
  EXPECT_EQ(rest.navigation, 6U);
}

TEST(Boilerplate, SentencesAndTablesStay) {
  const std::string text =
      "He wanted to go home and share this with them.\n| 12 | 13 | 14 |\n| key | default | what |\nand / or\n"
      "The privacy policy of the city was to open every door | he said so | she did not believe it at all";
  EXPECT_EQ(remove_boilerplate(text, {}).text, text);
}

TEST(Boilerplate, ALineThatComesAgainAndAgainStaysOnce) {
  std::string text;
  for (int page = 0; page < 5; ++page)
    text += "ANNUAL REPORT 2020\npage text " + std::to_string(page) + "\n---\n\n";
  const Boilerplate rest = remove_boilerplate(text, {});
  EXPECT_EQ(rest.repeated, 4U);
  EXPECT_EQ(rest.text.substr(0, 32), "ANNUAL REPORT 2020\npage text 0\n-");
  EXPECT_EQ(rest.text.find("ANNUAL", 1), std::string::npos);
  EXPECT_NE(rest.text.find("---\n\npage text 4\n---"), std::string::npos);
}

TEST(Boilerplate, BothCanBeSwitchedOff) {
  const std::string text = "Home | About us | Contact\nsame\nsame\nsame\nsame\nsame";
  EXPECT_EQ(remove_boilerplate(text, {.navigation = false, .repeated_lines = 0}).text, text);
}

}  // namespace
}  // namespace longscroll::corpus
