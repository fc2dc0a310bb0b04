// A report's files in their folder, each written whole or not at all; others there are left alone.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "report/page.h"

namespace longscroll::report {

class PageFiles {
 public:
  // Throws Error(kFile) when the folder cannot be made, and as AtomicFile does when a file cannot be written.
  explicit PageFiles(std::filesystem::path out);

  void write(const std::filesystem::path& name, const std::string& text);
  void write(const Page& page);  // index.html, report.md, and the figures as SVG

  const std::vector<std::filesystem::path>& files() const { return files_; }  // written, in order

 private:
  std::filesystem::path out_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace longscroll::report
