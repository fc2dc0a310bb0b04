// The text of a web page, as a person would copy it: blocks on lines of their own, no scripts, no navigation.
#pragma once

#include <string>
#include <string_view>

namespace longscroll::corpus {

// What encoding the bytes are in, by a byte order mark, valid UTF-8, the page's own word, or their looks, in
// this order; as UTF-8. `where` names them. Throws Error(kFile) when no encoding fits.
std::string decode_html(std::string_view bytes, const std::string& where);

// `html` is UTF-8; any text is taken, as browsers do (libxml2's HTML parser in its mode of recovery). Left
// out: head, script, style, noscript, template, nav, aside, footer, form, button, select, iframe, svg, and
// what is hidden. Throws Error(kArgument) above 2 GiB.
std::string html_to_text(std::string_view html);

}  // namespace longscroll::corpus
