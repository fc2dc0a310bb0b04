// Text out of records made safe for each kind of page, and numbers as pages print them. Whatever bytes come
// in, valid UTF-8 goes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace longscroll::report {

// For element text and quoted attributes, of HTML and of SVG. Control characters become their pictures
// (U+2400 and on), except line ends and tabs.
std::string markup(std::string_view text);

// For one cell of a Markdown table, or a line of Markdown: nothing in it is markup, and it stays on its line.
std::string markdown(std::string_view text);

// One field of RFC 4180.
std::string csv(std::string_view text);

// JSON for the inside of a <script> element: no character of it can end the element or begin a comment.
std::string script_json(const nlohmann::ordered_json& json);

// At most `limit` characters of valid UTF-8, with "…" for what is left out.
std::string shortened(std::string_view text, size_t limit);

std::string thousands(uint64_t count);                 // "12,345"
std::string fixed(double value, int decimals);         // never "-0.00"
std::string signed_fixed(double value, int decimals);  // "+1.20", "−0.35", "0.00"

// A context length on an axis: "9k" for 9000, "16K" for 16384, "500".
std::string length_label(uint64_t tokens);

// What a file may be called: ASCII letters, digits, '-', '_'; never empty.
std::string file_stem(std::string_view text);

// Columns of a fixed-width font, two for wide characters: what room a label needs.
size_t display_width(std::string_view text);

}  // namespace longscroll::report
