#include "report/svg.h"

#include <fmt/format.h>

#include "report/embedded.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

// Of its natural width, below which a picture is scrolled instead of shrunk further.
constexpr double kLeastScale = 0.72;
constexpr double kMargin = 12;  // around a picture that stands by itself

// Two decimals at most, none where they are zeros: figures stay small and equal bytes mean equal pictures.
std::string coordinate(double value) {
  std::string text = fixed(value, 2);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string look_attribute(std::string_view look) {
  if (look.starts_with("fill:")) return fmt::format("fill=\"{}\"", look.substr(5));
  return fmt::format("class=\"{}\"", look);
}

std::string closed(std::string_view element, std::string_view tip) {
  if (tip.empty()) return "/>\n";
  return fmt::format("><title>{}</title></{}>\n", markup(tip), element);
}

const char* anchor_name(Anchor anchor) {
  switch (anchor) {
    case Anchor::kMiddle:
      return "middle";
    case Anchor::kEnd:
      return "end";
    case Anchor::kStart:
      break;
  }
  return "start";
}

}  // namespace

std::string hex(Rgb colour) {
  return fmt::format("#{:02x}{:02x}{:02x}", colour.red, colour.green, colour.blue);
}

Svg::Svg(double width, double height, std::string title)
    : width_(width), height_(height), title_(std::move(title)) {}

void Svg::rect(double x, double y, double width, double height, std::string_view look, std::string_view tip) {
  body_ += fmt::format(R"(<rect x="{}" y="{}" width="{}" height="{}" {})", coordinate(x), coordinate(y),
                       coordinate(width), coordinate(height), look_attribute(look));
  body_ += closed("rect", tip);
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view classes) {
  body_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" class=\"{}\"/>\n", coordinate(x1),
                       coordinate(y1), coordinate(x2), coordinate(y2), classes);
}

void Svg::polyline(const std::vector<std::pair<double, double>>& points, std::string_view classes) {
  std::string list;
  for (const auto& [x, y] : points)
    list += fmt::format("{}{},{}", list.empty() ? "" : " ", coordinate(x), coordinate(y));
  body_ += fmt::format("<polyline points=\"{}\" class=\"{}\"/>\n", list, classes);
}

void Svg::circle(double x, double y, double radius, std::string_view classes, std::string_view tip) {
  body_ += fmt::format(R"(<circle cx="{}" cy="{}" r="{}" class="{}")", coordinate(x), coordinate(y),
                       coordinate(radius), classes);
  body_ += closed("circle", tip);
}

void Svg::text(double x, double y, std::string_view text, std::string_view classes, Anchor anchor) {
  body_ += fmt::format("<text x=\"{}\" y=\"{}\" class=\"{}\" text-anchor=\"{}\">{}</text>\n", coordinate(x),
                       coordinate(y), classes, anchor_name(anchor), markup(text));
}

void Svg::gradient(double x, double y, double width, double height, const std::vector<Rgb>& colours,
                   std::string_view id) {
  std::string stops;
  for (size_t i = 0; i < colours.size(); ++i) {
    const double at = static_cast<double>(i) / static_cast<double>(colours.size() - 1);
    stops += fmt::format("<stop offset=\"{}\" stop-color=\"{}\"/>", coordinate(at), hex(colours[i]));
  }
  body_ += fmt::format("<defs><linearGradient id=\"{}\">{}</linearGradient></defs>\n", id, stops);
  rect(x, y, width, height, fmt::format("fill:url(#{})", id));
}

std::string Svg::open(double margin, std::string_view attributes) const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{0} {0} {1} {2}\" width=\"{1}\" height=\"{2}\" "
      "role=\"img\" "
      "aria-label=\"{3}\" class=\"figure\"{4}>\n",
      coordinate(-margin), coordinate(width_ + 2 * margin), coordinate(height_ + 2 * margin), markup(title_),
      attributes);
}

std::string Svg::element() const {
  return open(0, fmt::format(" style=\"min-width:{}px\"", coordinate(kLeastScale * width_))) + body_ +
         "</svg>\n";
}

std::string Svg::document() const {
  return fmt::format(
      "{0}<title>{1}</title>\n<style>\n{2}</style>\n"
      "<rect x=\"{3}\" y=\"{3}\" width=\"100%\" height=\"100%\" class=\"paper\"/>\n{4}</svg>\n",
      open(kMargin, ""), markup(title_), figure_css(), coordinate(-kMargin), body_);
}

}  // namespace longscroll::report
