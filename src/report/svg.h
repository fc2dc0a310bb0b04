// SVG written by hand: shapes with classes, whose colours figure.css gives for light and dark pages.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace longscroll::report {

struct Rgb {
  int red = 0;
  int green = 0;
  int blue = 0;
};
std::string hex(Rgb colour);  // "#0cd79f"

enum class Anchor { kStart, kMiddle, kEnd };

// Lengths are user units, y grows downwards. `style` is a list of classes of figure.css, for shapes also
// "fill:#…".
class Svg {
 public:
  Svg(double width, double height, std::string title);

  void rect(double x, double y, double width, double height, std::string_view look,
            std::string_view tip = {});
  void line(double x1, double y1, double x2, double y2, std::string_view classes);
  void polyline(const std::vector<std::pair<double, double>>& points, std::string_view classes);
  void circle(double x, double y, double radius, std::string_view classes, std::string_view tip = {});
  void text(double x, double y, std::string_view text, std::string_view classes,
            Anchor anchor = Anchor::kStart);
  // A bar of colours from left to right; `id` is unique in the page.
  void gradient(double x, double y, double width, double height, const std::vector<Rgb>& colours,
                std::string_view id);

  double width() const { return width_; }

  // As an element inside a page that has figure.css.
  std::string element() const;
  // As a file of its own, with its styles, legible on light and dark.
  std::string document() const;

 private:
  std::string open(double margin, std::string_view attributes) const;

  double width_;
  double height_;
  std::string title_;
  std::string body_;
};

}  // namespace longscroll::report
