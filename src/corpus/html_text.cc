#include "corpus/html_text.h"

#include <libxml/HTMLparser.h>
#include <libxml/tree.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "base/white_space.h"
#include "library/encoding.h"

namespace longscroll::corpus {
namespace {

constexpr size_t kCharsetWithin =
    2048;  // browsers look at the first 1,024 bytes, pages put it a little later

struct FreeDocument {
  void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
};

template <size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 14> kLeftOut = {"head",   "script", "style",  "noscript", "template",
                                                       "nav",    "aside",  "footer", "form",     "button",
                                                       "select", "iframe", "svg",    "object"};
constexpr std::array<std::string_view, 26> kBlocks = {
    "address", "article", "blockquote", "body", "br",      "center",     "dd",      "div",    "dl",
    "dt",      "figure",  "hr",         "html", "header",  "li",         "main",    "ol",     "pre",
    "section", "table",   "tr",         "ul",   "caption", "figcaption", "summary", "details"};
constexpr std::array<std::string_view, 7> kParagraphs = {"p", "h1", "h2", "h3", "h4", "h5", "h6"};

std::string_view name_of(const xmlNode* node) {
  return node->name == nullptr ? "" : reinterpret_cast<const char*>(node->name);
}

bool has_attribute(xmlNode* node, const char* name) {
  return xmlHasProp(node, reinterpret_cast<const xmlChar*>(name)) != nullptr;
}

// Collapses white space as a browser does, except inside <pre>.
class TextOfPage {
 public:
  void enter(std::string_view name) {
    if (name == "pre") ++preformatted_;
    if (is_one_of(name, kParagraphs)) ask_for_lines(2);
    if (is_one_of(name, kBlocks)) ask_for_lines(1);
    if (name == "li") put("- ");
    if ((name == "td" || name == "th") && !text_.empty() && lines_ == 0) put("\t");
  }
  void leave(std::string_view name) {
    if (name == "pre") --preformatted_;
    if (is_one_of(name, kParagraphs)) ask_for_lines(2);
    if (is_one_of(name, kBlocks)) ask_for_lines(1);
  }
  void add(std::string_view content) {
    if (preformatted_ > 0) return put(content);
    for (const char c : content) {
      if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f') {
        space_ = true;
      } else {
        put({&c, 1});
      }
    }
  }
  std::string take() {
    while (!text_.empty() && (text_.back() == '\n' || text_.back() == ' ')) text_.pop_back();
    return std::move(text_);
  }

 private:
  void ask_for_lines(size_t lines) { lines_ = std::max(lines_, lines); }
  void put(std::string_view piece) {
    if (piece.empty()) return;
    const bool at_start = text_.empty() || text_.back() == '\n' || lines_ > 0;
    if (!text_.empty()) text_.append(lines_, '\n');
    if (space_ && !at_start && text_.back() != '\t') text_ += ' ';
    lines_ = 0;
    space_ = false;
    text_ += piece;
  }

  std::string text_;
  size_t lines_ = 0;  // line ends to put before what comes next
  bool space_ = false;
  int preformatted_ = 0;
};

bool is_left_out(xmlNode* node) {
  return is_one_of(name_of(node), kLeftOut) || has_attribute(node, "hidden");
}

// In the order of the page, without recursion: a hostile page is deep.
std::string text_of(xmlNode* root) {
  TextOfPage page;
  xmlNode* node = root;
  while (node != nullptr) {
    const bool is_element = node->type == XML_ELEMENT_NODE && !is_left_out(node);
    if (node->type == XML_TEXT_NODE && node->content != nullptr) {
      page.add(reinterpret_cast<const char*>(node->content));
    }
    if (is_element) page.enter(name_of(node));
    if (is_element && node->children != nullptr) {
      node = node->children;
      continue;
    }
    if (is_element) page.leave(name_of(node));
    while (node != root && node->next == nullptr) {
      node = node->parent;
      page.leave(name_of(node));
    }
    node = node == root ? nullptr : node->next;
  }
  return page.take();
}

// What <meta charset> or its older form says.
std::string named_charset(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, kCharsetWithin);
  std::string lower(head);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  size_t at = lower.find("charset=");
  if (at == std::string::npos) return "";
  at += std::string_view("charset=").size();
  while (at < lower.size() && (lower[at] == '"' || lower[at] == '\'' || lower[at] == ' ')) ++at;
  const size_t end = lower.find_first_of("\"' />;", at);
  const std::string name = lower.substr(at, end == std::string::npos ? 0 : end - at);
  // What pages call GB 2312 is its superset nearly always; browsers read it so.
  return name == "gb2312" || name == "gbk" ? "GB18030" : name;
}

}  // namespace

std::string decode_html(std::string_view bytes, const std::string& where) {
  if (const std::optional<ByteOrderMark> mark = byte_order_mark(bytes)) {
    if (auto text = convert_strictly(bytes.substr(mark->length), mark->encoding)) return std::move(*text);
  }
  if (is_valid_utf8(bytes)) return std::string(bytes);
  const std::string charset = named_charset(bytes);
  if (!charset.empty()) {
    if (auto text = convert_strictly(bytes, charset.c_str())) return std::move(*text);
  }
  if (auto detected = detect_legacy(bytes)) return std::move(detected->text);
  throw Error(ErrorKind::kFile, where, "must be in an encoding that can be told, is in none");
}

std::string html_to_text(std::string_view html) {
  if (strip_python_space(html).empty()) return "";
  if (html.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    throw Error(ErrorKind::kArgument, "HTML", "must be at most 2 GiB, found more");
  }
  constexpr int kOptions = HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET |
                           HTML_PARSE_NODEFDTD | HTML_PARSE_COMPACT;
  const std::unique_ptr<xmlDoc, FreeDocument> document(
      htmlReadMemory(html.data(), static_cast<int>(html.size()), nullptr, "UTF-8", kOptions));
  xmlNode* root = document ? xmlDocGetRootElement(document.get()) : nullptr;
  return root == nullptr ? "" : text_of(root);
}

}  // namespace longscroll::corpus
