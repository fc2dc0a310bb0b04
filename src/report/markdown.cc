// The page as Markdown, for readers of a repository.
#include <fmt/format.h>

#include "report/page.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

std::string with_note(const std::string& text, const std::string& note) {
  if (note.empty()) return markdown(text);
  return fmt::format("{} ({})", markdown(text), markdown(note));
}

std::string plain(const Table& table) {
  std::string out = table.caption.empty() ? "" : fmt::format("**{}**\n\n", markdown(table.caption));
  std::string rule = "|";
  out += "|";
  for (const Column& column : table.columns) {
    out += fmt::format(" {} |", with_note(column.name, column.note));
    rule += column.numeric ? "---:|" : "---|";
  }
  out += "\n" + rule + "\n";
  for (const Row& row : table.rows) {
    out += "|";
    for (const Cell& cell : row.cells) {
      const std::string text = with_note(cell.text, cell.note);
      out += row.kind == RowKind::kPlain || text.empty() ? fmt::format(" {} |", text)
                                                         : fmt::format(" **{}** |", text);
    }
    out += "\n";
  }
  return out + "\n";
}

std::string plain(const Paragraph& paragraph) {
  return fmt::format("{}{}\n\n", paragraph.warning ? "> **Note:** " : "", markdown(paragraph.text));
}

std::string plain(const Figure& figure) {
  return fmt::format("![{}](figures/{}.svg)\n\n",
                     markdown(figure.caption.empty() ? figure.name : figure.caption), figure.name);
}

}  // namespace

std::string markdown_page(const Page& page) {
  std::string out = fmt::format("# {}\n\n", markdown(page.title));
  for (const Section& section : page.sections) {
    out += fmt::format("## {}\n\n", markdown(section.title));
    for (const Block& block : section.blocks) {
      out += std::visit([](const auto& content) { return plain(content); }, block);
    }
  }
  return out;
}

}  // namespace longscroll::report
