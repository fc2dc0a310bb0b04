#include "report/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"
#include "report/charts.h"
#include "report/svg.h"

namespace longscroll::report {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kHostile = std::string("</script><!-- \"'&<img src=x onerror=alert(1)>\x01\x7f\xff\xc3") +
                             '\0' + "\u2028|`*[a](b)\r\n";

TEST(Markup, LeavesNothingThatIsMarkup) {
  const std::string safe = markup(kHostile);
  EXPECT_TRUE(is_valid_utf8(safe));
  EXPECT_EQ(safe.find_first_of("<>\"'"), std::string::npos);
  EXPECT_THAT(safe, HasSubstr("&lt;/script&gt;"));
  EXPECT_THAT(safe, HasSubstr("\u2401"));  // the picture of 0x01
  EXPECT_THAT(safe, HasSubstr("\uFFFD"));
  EXPECT_EQ(safe.find('\0'), std::string::npos);
  EXPECT_EQ(safe.find('\x01'), std::string::npos);
}

TEST(ScriptJson, CannotEndItsElementAndReadsBackTheSame) {
  const nlohmann::ordered_json json = {{"x", kHostile}, {"plain", "中文"}};
  const std::string safe = script_json(json);
  EXPECT_TRUE(is_valid_utf8(safe));
  EXPECT_EQ(safe.find_first_of("<>&"), std::string::npos);
  EXPECT_THAT(safe, Not(HasSubstr("\u2028")));
  const auto back = nlohmann::json::parse(safe);
  EXPECT_EQ(back.at("x").get<std::string>(), replace_invalid_utf8(kHostile));
  EXPECT_EQ(back.at("plain"), "中文");
}

TEST(Markdown, StaysInItsCell) {
  const std::string safe = markdown(kHostile);
  EXPECT_EQ(safe.find('\n'), std::string::npos);
  EXPECT_THAT(safe, HasSubstr("\\|\\`\\*\\[a\\](b)"));
  EXPECT_THAT(safe, HasSubstr("\\</script\\>"));
}

TEST(Csv, QuotesWhatNeedsIt) {
  EXPECT_EQ(csv("plain"), "plain");
  EXPECT_EQ(csv("a,b"), "\"a,b\"");
  EXPECT_EQ(csv("say \"x\"\n"), "\"say \"\"x\"\"\n\"");
}

TEST(Shortened, CountsCharactersAndNeverSplitsOne) {
  EXPECT_EQ(shortened("中文字符", 4), "中文字符");
  EXPECT_EQ(shortened("中文字符", 2), "中文…");
  EXPECT_EQ(shortened("a\xff"
                      "b",
                      9),
            "a\uFFFD"
            "b");
  EXPECT_EQ(shortened("", 0), "");
}

TEST(Numbers, AreAsPagesPrintThem) {
  EXPECT_EQ(thousands(0), "0");
  EXPECT_EQ(thousands(1234567), "1,234,567");
  EXPECT_EQ(fixed(-0.001, 2), "0.00");
  EXPECT_EQ(signed_fixed(1.234, 2), "+1.23");
  EXPECT_EQ(signed_fixed(-1.235, 1), "−1.2");
  EXPECT_EQ(signed_fixed(-0.0001, 2), "0.00");
  EXPECT_EQ(length_label(9000), "9k");
  EXPECT_EQ(length_label(32768), "32K");
  EXPECT_EQ(length_label(1500), "1,500");
}

TEST(FileStem, IsPlainAsciiAndNeverEmpty) {
  EXPECT_EQ(file_stem("needle-Qwen2 1.5B/../x"), "needle-Qwen2-1-5B-x");
  EXPECT_EQ(file_stem("中文"), "run");
}

TEST(Svg, EscapesItsTexts) {
  Svg svg(10, 10, "a<b");
  svg.text(1, 2, "</text><script>", "soft");
  svg.rect(0, 0, 1, 1, "one", "\"tip\"");
  const std::string document = svg.document();
  EXPECT_THAT(document, Not(HasSubstr("<script>")));
  EXPECT_THAT(document, HasSubstr("&quot;tip&quot;"));
  EXPECT_THAT(document, HasSubstr("a&lt;b"));
  EXPECT_THAT(document, HasSubstr("prefers-color-scheme: dark"));
}

TEST(HistogramOf, PutsEveryValueIntoAnEqualBin) {
  const Histogram histogram = histogram_of({"a", "b"}, {{0, 4095, 4096}, {32767}}, 8);
  ASSERT_EQ(histogram.bins.size(), 8u);
  EXPECT_EQ(histogram.bins[1], "4,096 to 8,191");
  EXPECT_THAT(histogram.counts[0], testing::ElementsAre(2, 1, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(histogram.counts[1], testing::ElementsAre(0, 0, 0, 0, 0, 0, 0, 1));
  EXPECT_EQ(histogram_of({"a"}, {{}}, 8).bins.size(), 1u);
}

TEST(BarChart, ShowsEveryLabelAndValueAndMarksParts) {
  const std::string svg = bar_chart("Averages", {"LEval", "LongBench"},
                                    {{"Index-1.9B-32K", {{0, 35.8583, false}, {1, 35.2356, true}}}}, 100)
                              .element();
  for (const char* text : {"Index-1.9B-32K", ">35.9<", ">35.2*<", "LongBench", "part of the items"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
}

TEST(BarChart, CutsALabelThatHasNoRoom) {
  const std::string latin = std::string(200, 'x');
  std::string wide;
  for (int i = 0; i < 200; ++i) wide += "长";
  const std::string svg =
      bar_chart("t", {"a"}, {{latin, {{0, 1, false}}}, {wide, {{0, 1, false}}}}, 100).element();
  const auto shown = [&](const std::string& letter) {
    size_t most = 0;  // letters in a row before "…", in element text
    for (size_t at = svg.find("…<"); at != std::string::npos; at = svg.find("…<", at + 1)) {
      size_t count = 0;
      while (svg.compare(at - (count + 1) * letter.size(), letter.size(), letter) == 0) ++count;
      most = std::max(most, count);
    }
    return most;
  };
  EXPECT_GT(shown("x"), 50u);
  EXPECT_LT(shown("x"), 70u);
  EXPECT_GT(shown("长"), 25u);
  EXPECT_LT(shown("长"), 35u);
}

}  // namespace
}  // namespace longscroll::report
