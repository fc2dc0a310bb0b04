#include "apps/read_prompt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace longscroll {
namespace {

using testing::HasSubstr;

constexpr TokenId kImStart = 256;
constexpr TokenId kImEnd = 257;

// A token for each byte, and ChatML's marks. For Index, ids 0, 3 and 4 are marks as in its tokenizer, which
// no text here contains as bytes.
class ByteTokenizer : public Tokenizer {
 public:
  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& = {}) const override {
    std::vector<TokenId> ids;
    for (const char c : text) ids.push_back(static_cast<uint8_t>(c));
    return ids;
  }
  std::string decode(std::span<const TokenId> ids, bool skip_special) const override {
    std::string text;
    for (const TokenId id : ids) text += token_bytes(id, skip_special);
    return text;
  }
  std::string token_bytes(TokenId id, bool) const override {
    return id < 256 ? std::string(1, static_cast<char>(id)) : std::string();
  }
  size_t vocab_size() const override { return 258; }
  std::string_view kind() const override { return "bytes"; }
  bool is_special(TokenId id) const override { return id >= 256; }
  std::optional<TokenId> find_token(std::string_view text) const override {
    if (text == "<|im_start|>") return kImStart;
    if (text == "<|im_end|>") return kImEnd;
    return std::nullopt;
  }
  std::optional<TokenId> bos() const override { return std::nullopt; }
  std::optional<TokenId> eos() const override { return kImEnd; }
};

Model model_of(const std::string& architecture, std::optional<std::string> jinja = std::nullopt) {
  Model model;
  model.config.architecture = architecture;
  model.config.vocab_size = 258;
  model.config.max_position = 4096;
  model.tokenizer = std::make_shared<ByteTokenizer>();
  model.chat_metadata = {std::move(jinja), architecture};
  return model;
}

constexpr const char* kChatMl =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
    "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif "
    "%}";

std::string text_of(const std::vector<TokenId>& ids) {
  return ByteTokenizer().decode(ids, true);
}

std::vector<TokenId> bytes_of(std::string_view text) {
  return ByteTokenizer().encode(text);
}

TEST(DocumentPrompt, IndexSummaryIsTheReportsIdById) {
  const Model model = model_of("index");
  const std::vector<TokenId> ids = DocumentPrompt(model, Language::kChinese).ids("文章", std::nullopt);
  std::vector<TokenId> expected = {0};
  const auto add = [&expected](std::string_view text) {
    for (const TokenId id : bytes_of(text)) expected.push_back(id);
  };
  add("你是由哔哩哔哩人工智能平台部自主研发的大语言模型，名为“Index”。你能够根据用户传入的信息，帮助用户完成"
      "指定的任务，"
      "并生成恰当的、符合要求的回复。");
  expected.push_back(3);
  add("请用中文总结以下内容：\n\n\n\n\n\n文章\n\n\n\n\n\n请用中文总结以上内容：");
  expected.push_back(4);
  EXPECT_EQ(ids, expected);
}

TEST(DocumentPrompt, SummaryAndQuestionsShareEverythingUpToTheRequest) {
  const std::string document = "A long document.\nWith two lines.";
  for (const Model& model : {model_of("index"), model_of("llama", kChatMl), model_of("gemma3")}) {
    for (const Language language : {Language::kChinese, Language::kEnglish}) {
      const DocumentPrompt prompt(model, language);
      const std::string summary = text_of(prompt.ids(document, std::nullopt));
      const std::string question = text_of(prompt.ids(document, "Who?"));
      const size_t end = summary.find(document) + document.size();
      ASSERT_NE(summary.find(document), std::string::npos);
      EXPECT_EQ(summary.substr(0, end), question.substr(0, end)) << model.config.architecture;
      EXPECT_THAT(question.substr(end), HasSubstr("Who?"));
    }
  }
}

TEST(DocumentPrompt, ABaseModelGetsATextToContinue) {
  const Model model = model_of("gemma3");
  const DocumentPrompt prompt(model, Language::kEnglish);
  EXPECT_EQ(text_of(prompt.ids("Text.", "Who?")), "Text.\n\nQuestion: Who?\nAnswer:");
}

TEST(ChooseLanguage, FollowsTheOptionThenTheModelThenTheText) {
  const Model index = model_of("index");
  const Model llama = model_of("llama");
  EXPECT_EQ(choose_language("en", index, "中文"), Language::kEnglish);
  EXPECT_EQ(choose_language("zh", llama, "English"), Language::kChinese);
  EXPECT_EQ(choose_language("auto", index, "English"), Language::kChinese);
  EXPECT_EQ(choose_language("auto", llama, "An English text with one 字."), Language::kEnglish);
  EXPECT_EQ(choose_language("auto", llama, "北京大学 (PKU) 是中国的大学。"), Language::kChinese);
  EXPECT_EQ(choose_language("auto", llama, "1234 !"), Language::kEnglish);
}

class FitDocumentTest : public testing::Test {
 protected:
  FittedDocument fit(const std::string& text, size_t limit, OverLength over_length) const {
    return fit_document(prompt_, *model_.tokenizer, text, limit, over_length, "doc.txt");
  }
  Model model_ = model_of("llama", kChatMl);
  DocumentPrompt prompt_{model_, Language::kEnglish};
};

TEST_F(FitDocumentTest, ATextThatFitsStaysWhole) {
  const std::string text(1000, 'a');
  const size_t needed = prompt_.ids(text, std::nullopt).size();
  for (const OverLength over_length : {OverLength::kRefuse, OverLength::kMiddle}) {
    const FittedDocument fitted = fit(text, needed, over_length);
    EXPECT_EQ(fitted.text, text);
    EXPECT_EQ(fitted.tokens, 1000u);
    EXPECT_EQ(fitted.left_out, 0u);
  }
}

TEST_F(FitDocumentTest, ARefusalGivesTheNumbersAndTheChoices) {
  try {
    fit(std::string(5000, 'a'), 2000, OverLength::kRefuse);
    FAIL() << "must throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kArgument);
    EXPECT_THAT(error.what(), HasSubstr("found 5,000 tokens"));
    EXPECT_THAT(error.what(), HasSubstr("2,000 fit before the answer"));
    EXPECT_THAT(error.what(), HasSubstr("--over-length middle"));
    EXPECT_THAT(error.what(), HasSubstr("qwen2.5-coder-0.5b (32,768)"));
  }
}

TEST_F(FitDocumentTest, TheMiddleIsLeftOutAndCounted) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += static_cast<char>('a' + i % 26);
  const FittedDocument fitted = fit(text, 1000, OverLength::kMiddle);
  const size_t half = fitted.text.size() / 2;
  EXPECT_EQ(fitted.text.substr(0, half), text.substr(0, half));
  EXPECT_EQ(fitted.text.substr(half), text.substr(text.size() - half));
  EXPECT_EQ(fitted.left_out, text.size() - fitted.text.size());
  EXPECT_LE(prompt_.ids(fitted.text, std::string(100, 'q')).size(), 1000u);
  EXPECT_GE(prompt_.ids(fitted.text, std::string(140, 'q')).size(), 1000u);
}

TEST_F(FitDocumentTest, ACutNeverSplitsACharacter) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "读";
  for (size_t limit = 700; limit < 706; ++limit) {
    const std::string kept = fit(text, limit, OverLength::kMiddle).text;
    EXPECT_EQ(kept.size() % 3, 0u);
    EXPECT_EQ(kept.find("\xEF\xBF\xBD"), std::string::npos);
  }
}

TEST_F(FitDocumentTest, AWindowWithoutRoomForTextIsAnError) {
  EXPECT_THROW(fit(std::string(500, 'a'), 100, OverLength::kMiddle), Error);
}

}  // namespace
}  // namespace longscroll
