// What a report says, before it is HTML, Markdown or CSV: sections of paragraphs, tables and figures in plain
// text.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "report/svg.h"

namespace longscroll::report {

struct Cell {
  Cell(std::string text_ = {},
       std::string note_ = {})  // NOLINT(google-explicit-constructor): tables are lists of texts
      : text(std::move(text_)), note(std::move(note_)) {}
  std::string text;
  std::string note;  // small, below the text: "20 of 200"
};

enum class RowKind { kPlain, kGroup, kAverage };

struct Row {
  std::vector<Cell> cells;
  RowKind kind = RowKind::kPlain;
};

struct Column {
  std::string name;
  std::string note;  // small, below the name
  bool numeric = true;
};

struct Table {
  std::string caption;
  std::vector<Column> columns;
  std::vector<Row> rows;
};

struct Figure {
  std::string name;  // of its file, without ".svg"; unique in the report
  std::string caption;
  Svg svg;
};

struct Paragraph {
  std::string text;
  bool warning = false;
};

using Block = std::variant<Paragraph, Table, Figure>;

struct Section {
  std::string id;  // of its anchor
  std::string title;
  std::vector<Block> blocks;
};

struct Page {
  std::string title;
  std::vector<Section> sections;
  std::string items;  // JSON of the items to browse (items.h); empty: none
};

// One file, which needs no other and no network.
std::string html_page(const Page& page);

// Figures are linked as figures/NAME.svg.
std::string markdown_page(const Page& page);

}  // namespace longscroll::report
