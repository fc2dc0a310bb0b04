#include "corpus/boilerplate.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <vector>

#include "base/utf8.h"
#include "base/white_space.h"
#include "corpus/words.h"

namespace longscroll::corpus {
namespace {

constexpr size_t kLongestNavigation = 100;  // characters
constexpr size_t kMenuParts = 3;
constexpr size_t kWordsInMenuPart = 4;
constexpr size_t kLongestMenuPart = 40;  // characters, for languages without spaces
constexpr size_t kLettersOfRepeatedLine = 4;

// Whole lines, in lower case, without what stands around them.
constexpr std::array<std::string_view, 46> kWholeLines = {"home",
                                                          "menu",
                                                          "search",
                                                          "log in",
                                                          "login",
                                                          "sign in",
                                                          "sign up",
                                                          "register",
                                                          "subscribe",
                                                          "share",
                                                          "share this",
                                                          "share this page",
                                                          "tweet",
                                                          "print",
                                                          "email",
                                                          "next",
                                                          "previous",
                                                          "prev",
                                                          "back to top",
                                                          "skip to content",
                                                          "skip to main content",
                                                          "read more",
                                                          "continue reading",
                                                          "leave a comment",
                                                          "leave a reply",
                                                          "related posts",
                                                          "related articles",
                                                          "contact us",
                                                          "about us",
                                                          "advertisement",
                                                          "首页",
                                                          "登录",
                                                          "注册",
                                                          "搜索",
                                                          "分享",
                                                          "分享到",
                                                          "上一页",
                                                          "下一页",
                                                          "返回顶部",
                                                          "返回首页",
                                                          "点击查看",
                                                          "阅读全文",
                                                          "相关阅读",
                                                          "相关推荐",
                                                          "热门推荐",
                                                          "广告"};

// Beginnings, in lower case.
constexpr std::array<std::string_view, 22> kBeginnings = {"copyright ©",
                                                          "© ",
                                                          "all rights reserved",
                                                          "terms of use",
                                                          "terms of service",
                                                          "privacy policy",
                                                          "cookie policy",
                                                          "we use cookies",
                                                          "this site uses cookies",
                                                          "this website uses cookies",
                                                          "please enable javascript",
                                                          "javascript is disabled",
                                                          "powered by ",
                                                          "posted in ",
                                                          "filed under",
                                                          "click here to",
                                                          "版权所有",
                                                          "上一篇",
                                                          "下一篇",
                                                          "责任编辑",
                                                          "扫一扫",
                                                          "未经授权"};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// Without what decorates a link: bullets, arrows, punctuation at both ends.
std::string_view bare(std::string_view line) {
  constexpr std::string_view kAround = " \t-*|<>[](){}.:,!#+";
  line = strip_python_space(line);
  for (bool more = true; more && !line.empty();) {
    more = false;
    for (const std::string_view mark : {"»", "«", "·", "•", "→", "←", "：", "】", "【"}) {
      const bool before = line.starts_with(mark);
      if (before) line.remove_prefix(mark.size());
      const bool behind = line.ends_with(mark);
      if (behind) line.remove_suffix(mark.size());
      more = more || before || behind;
    }
    const size_t first = line.find_first_not_of(kAround);
    const size_t last = line.find_last_not_of(kAround);
    if (first == std::string_view::npos) return {};
    more = more || first > 0 || last + 1 < line.size();
    line = line.substr(first, last + 1 - first);
  }
  return line;
}

size_t words_in(std::string_view text) {
  size_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\t';
    words += !space && !inside ? 1 : 0;
    inside = !space;
  }
  return words;
}

bool is_menu(std::string_view line) {
  if (line.starts_with("|")) return false;  // a row of a Markdown table
  for (const std::string_view separator : {" | ", "|", " > ", " » ", " · ", " / "}) {
    size_t parts = 0;
    bool all_short = true;
    for (size_t begin = 0; begin <= line.size();) {
      size_t end = line.find(separator, begin);
      if (end == std::string_view::npos) end = line.size();
      const std::string_view part = strip_python_space(line.substr(begin, end - begin));
      parts += part.empty() ? 0 : 1;
      all_short =
          all_short && words_in(part) <= kWordsInMenuPart && count_code_points(part) <= kLongestMenuPart;
      begin = end + separator.size();
    }
    if (parts >= kMenuParts && all_short) return true;
  }
  return false;
}

// A table's row of figures is no menu.
bool has_digits_mostly(std::string_view line) {
  size_t digits = 0, others = 0;
  for (const char c : line) {
    if (c >= '0' && c <= '9') {
      ++digits;
    } else if (c != ' ' && c != '|' && c != '.' && c != ',') {
      ++others;
    }
  }
  return digits > others;
}

bool is_navigation(std::string_view line) {
  if (line.size() > 4 * kLongestNavigation || count_code_points(line) > kLongestNavigation) return false;
  const std::string lower = lower_case(bare(line));
  if (lower.empty()) return false;
  if (std::find(kWholeLines.begin(), kWholeLines.end(), lower) != kWholeLines.end()) return true;
  const auto begins = [&](std::string_view beginning) { return lower.starts_with(beginning); };
  if (std::any_of(kBeginnings.begin(), kBeginnings.end(), begins)) return true;
  return is_menu(strip_python_space(line)) && !has_digits_mostly(line);
}

size_t letters_in(std::string_view line) {
  std::vector<Word> words;
  split_words(line, words);
  size_t letters = 0;
  for (const Word& word : words) letters += word.kind == WordKind::kSymbol ? 0 : word.characters;
  return letters;
}

std::vector<std::string_view> lines_and_last(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) end = text.size();
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

}  // namespace

Boilerplate remove_boilerplate(std::string_view text, const BoilerplateSettings& settings) {
  const std::vector<std::string_view> lines = lines_and_last(text);
  std::unordered_map<std::string_view, uint64_t> times;
  if (settings.repeated_lines > 0) {
    for (const std::string_view line : lines) ++times[strip_python_space(line)];
  }
  constexpr uint64_t kCameBefore = ~uint64_t{0};
  Boilerplate result;
  result.text.reserve(text.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = lines[i];
    if (settings.navigation && is_navigation(line)) {
      ++result.navigation;
      continue;
    }
    if (settings.repeated_lines > 0) {
      uint64_t& count = times[strip_python_space(line)];
      if (count == kCameBefore) {
        ++result.repeated;
        continue;
      }
      if (count >= settings.repeated_lines && letters_in(line) >= kLettersOfRepeatedLine) count = kCameBefore;
    }
    result.text += line;
    if (i + 1 < lines.size()) result.text += '\n';
  }
  return result;
}

}  // namespace longscroll::corpus
