#include "report/page_files.h"

#include <system_error>
#include <utility>
#include <variant>

#include "base/error.h"
#include "formats/atomic_file.h"

namespace longscroll::report {

PageFiles::PageFiles(std::filesystem::path out) : out_(std::move(out)) {
  std::error_code error;
  std::filesystem::create_directories(out_ / "figures", error);
  if (error) {
    throw Error(ErrorKind::kFile, out_.string(), "must be a folder to write to, found: " + error.message());
  }
}

void PageFiles::write(const std::filesystem::path& name, const std::string& text) {
  write_file(out_ / name, text);
  files_.push_back(out_ / name);
}

void PageFiles::write(const Page& page) {
  write("index.html", html_page(page));
  write("report.md", markdown_page(page));
  for (const Section& section : page.sections) {
    for (const Block& block : section.blocks) {
      const Figure* figure = std::get_if<Figure>(&block);
      if (figure != nullptr)
        write(std::filesystem::path("figures") / (figure->name + ".svg"), figure->svg.document());
    }
  }
}

}  // namespace longscroll::report
