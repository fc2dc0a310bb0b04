// A directory filled beside its final name, then renamed: readers see the old one or the whole new one.
#pragma once

#include <filesystem>

namespace longscroll {

class AtomicDirectory {
 public:
  explicit AtomicDirectory(
      const std::filesystem::path& path);  // throws Error(kFile) when it cannot be created
  ~AtomicDirectory();                      // removes everything unless committed
  AtomicDirectory(const AtomicDirectory&) = delete;
  AtomicDirectory& operator=(const AtomicDirectory&) = delete;

  // Where to put the files, each through AtomicFile.
  const std::filesystem::path& temporary() const { return temporary_; }

  // Takes the final name; what lay there is removed afterwards. Throws Error(kResource), and the old
  // directory is back in its place, when the renaming fails.
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
};

}  // namespace longscroll
