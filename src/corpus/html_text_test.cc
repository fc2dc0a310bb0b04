#include "corpus/html_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "corpus/test_corpus.h"

namespace longscroll::corpus {
namespace {

TEST(HtmlText, PutsBlocksOnLinesOfTheirOwn) {
  EXPECT_EQ(
      html_to_text("<html><head><title>t</title></head><body><h1>Title</h1><p>One <b>bold</b>\n word.</p>"
                   "<p>Two</p><ul><li>a</li><li>b</li></ul>c<br>d</body></html>"),
      "Title\n\nOne bold word.\n\nTwo\n\n- a\n- b\nc\nd");
}

TEST(HtmlText, LeavesOutWhatIsNotRead) {
  EXPECT_EQ(
      html_to_text("<body><nav>Home</nav><script>var x = '<p>no</p>';</script><style>p{}</style>"
                   "<p hidden>no</p><p>Text</p><footer>©</footer><form><button>no</button></form></body>"),
      "Text");
}

TEST(HtmlText, KeepsThePreformattedAndKnowsEntities) {
  EXPECT_EQ(html_to_text("<pre>a\n  b</pre><p>&lt;x&gt; &amp; &eacute; &#38271;</p>"),
            "a\n  b\n\n<x> & é 长");
}

TEST(HtmlText, TakesAnyBytes) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<div>";
  for (const std::string& html :
       {deep + "x", std::string("<"), std::string("<p"), std::string("&#xffffffff;"), std::string("<!--"),
        std::string(" \n "), std::string()}) {
    EXPECT_NO_THROW(html_to_text(html));
  }
}

TEST(DecodeHtml, GoesByTheBytesBeforeThePagesWord) {
  EXPECT_EQ(decode_html("<meta charset=gbk>长", "p"), "<meta charset=gbk>长");
  EXPECT_EQ(decode_html("<meta charset=\"gb2312\">\xB3\xA4\xCE\xC4", "p"), "<meta charset=\"gb2312\">长文");
  EXPECT_EQ(decode_html("<meta charset='iso-8859-1'>caf\xE9", "p"), "<meta charset='iso-8859-1'>café");
}

TEST(DecodeHtml, RefusesWhatIsInNoEncoding) {
  EXPECT_THAT(test::error_of([] { decode_html("\xff\xfe\xfd\x01\x81", "page.html"); }),
              testing::HasSubstr("page.html"));
}

}  // namespace
}  // namespace longscroll::corpus
