// The page as one HTML file. Everything that is text goes through markup(); the items' JSON through
// script_json().
#include <algorithm>

#include <fmt/format.h>

#include "report/embedded.h"
#include "report/page.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

constexpr std::string_view kFigureSpace = "\u2007";  // as wide as a digit

size_t decimals(std::string_view number) {
  const size_t point = number.find('.');
  if (point == std::string_view::npos) return 0;
  const size_t end = number.find_first_not_of("0123456789", point + 1);
  return std::min(end, number.size()) - point - 1;
}

bool is_number(std::string_view text) {
  const bool is_signed = text.starts_with("+") || text.starts_with("−");
  const std::string_view digits =
      is_signed ? text.substr(text.starts_with("+") ? 1 : std::string_view("−").size()) : text;
  return !digits.empty() && digits.find_first_not_of("0123456789.,") == std::string_view::npos;
}

// A number of fewer decimals than its column is padded, so that the points stand below each other.
std::string aligned(const std::string& text, size_t most_decimals) {
  if (!is_number(text)) return markup(text);
  std::string padded = text;
  const size_t own = decimals(text);
  if (own == 0 && most_decimals > 0) padded += "\u2008";  // as wide as a point
  for (size_t i = own; i < most_decimals; ++i) padded += kFigureSpace;
  return padded;
}

std::string note(const std::string& text) {
  return text.empty() ? "" : fmt::format("<small>{}</small>", markup(text));
}

std::string html(const Table& table) {
  std::vector<size_t> most(table.columns.size());
  for (const Row& row : table.rows) {
    for (size_t i = 0; i < row.cells.size(); ++i) {
      if (is_number(row.cells[i].text)) most[i] = std::max(most[i], decimals(row.cells[i].text));
    }
  }
  std::string out = "<div class=\"scroll\"><table>\n";
  if (!table.caption.empty()) out += fmt::format("<caption>{}</caption>\n", markup(table.caption));
  out += "<thead><tr>";
  for (const Column& column : table.columns) {
    out += fmt::format("<th scope=\"col\"{}>{}{}</th>", column.numeric ? " class=\"n\"" : "",
                       markup(column.name), note(column.note));
  }
  out += "</tr></thead>\n<tbody>\n";
  for (const Row& row : table.rows) {
    const char* kind = row.kind == RowKind::kGroup     ? " class=\"group\""
                       : row.kind == RowKind::kAverage ? " class=\"average\""
                                                       : "";
    out += fmt::format("<tr{}>", kind);
    for (size_t i = 0; i < row.cells.size(); ++i) {
      const Cell& cell = row.cells[i];
      const char* element = i == 0 ? "th scope=\"row\"" : "td";
      const bool numeric = table.columns[i].numeric;
      out += fmt::format("<{}{}>{}{}</{}>", element, numeric ? " class=\"n\"" : "",
                         numeric ? aligned(cell.text, most[i]) : markup(cell.text), note(cell.note),
                         i == 0 ? "th" : "td");
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string html(const Paragraph& paragraph) {
  return fmt::format("<p{}>{}</p>\n", paragraph.warning ? " class=\"warning\"" : "", markup(paragraph.text));
}

std::string html(const Figure& figure) {
  return fmt::format(
      "<figure><div class=\"scroll\">{}</div>{}</figure>\n", figure.svg.element(),
      figure.caption.empty() ? "" : fmt::format("<figcaption>{}</figcaption>", markup(figure.caption)));
}

// Neighbouring figures stand side by side where the page is wide enough.
std::string html(const std::vector<Block>& blocks) {
  std::string out;
  bool in_figures = false;
  for (const Block& block : blocks) {
    const bool is_figure = std::holds_alternative<Figure>(block);
    if (is_figure != in_figures) out += is_figure ? "<div class=\"figures\">\n" : "</div>\n";
    in_figures = is_figure;
    out += std::visit([](const auto& content) { return html(content); }, block);
  }
  return in_figures ? out + "</div>\n" : out;
}

constexpr std::string_view kItemsSection = R"(<section id="items"><h2>Items</h2>
<p id="items-note"></p>
<noscript><p class="warning">Browsing items needs JavaScript. They are all in records.jsonl.</p></noscript>
<form id="items-form" class="controls">
<label>Run <select name="run"></select></label>
<label>Task <select name="task"></select></label>
<label>Prompt <select name="cut"><option value="">all</option><option value="1">cut</option><option value="0">whole</option></select></label>
<label>Score <select name="score"><option value="">all</option><option value="zero">0</option><option value="some">above 0, below 1</option><option value="full">1 or more</option></select></label>
<label>Sort <select name="sort"><option value="order">in order</option><option value="score">score, low first</option><option value="-score">score, high first</option><option value="tokens">prompt, short first</option><option value="-tokens">prompt, long first</option><option value="-dropped">dropped, most first</option></select></label>
<label>Contains <input name="text" type="search" placeholder="id or text"></label>
</form>
<p id="items-count" aria-live="polite"></p>
<div id="items-list"></div>
<div class="controls" id="items-pages"><button type="button" data-step="-1">Back</button><span></span><button type="button" data-step="1">Next</button></div>
</section>
)";

}  // namespace

std::string html_page(const Page& page) {
  std::string navigation;
  std::string sections;
  for (const Section& section : page.sections) {
    navigation += fmt::format("<a href=\"#{0}\">{1}</a>\n", markup(section.id), markup(section.title));
    sections += fmt::format("<section id=\"{}\"><h2>{}</h2>\n{}</section>\n", markup(section.id),
                            markup(section.title), html(section.blocks));
  }
  if (!page.items.empty()) {
    navigation += "<a href=\"#items\">Items</a>\n";
    sections += kItemsSection;
  }
  std::string out = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
)";
  out += fmt::format("<title>{}</title>\n<style>\n{}{}</style>\n</head>\n<body>\n", markup(page.title),
                     figure_css(), page_css());
  out += fmt::format("<header><h1>{}</h1><nav>{}</nav></header>\n<main>\n{}</main>\n", markup(page.title),
                     navigation, sections);
  if (!page.items.empty()) {
    out += fmt::format("<script type=\"application/json\" id=\"items-data\">{}</script>\n", page.items);
  }
  out += fmt::format("<script>\n{}</script>\n</body>\n</html>\n", page_js());
  return out;
}

}  // namespace longscroll::report
