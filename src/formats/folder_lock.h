// A folder that one program at a time writes to.
#pragma once

#include <filesystem>
#include <string>

namespace longscroll {

class FolderLock {
 public:
  // Creates the folder. Throws Error(kFile) when it cannot be written to; Error(kArgument) with `hint` when
  // another program holds it. The system frees it when this one ends, however. A file system without locks is
  // no reason not to work.
  FolderLock(const std::filesystem::path& path, const std::string& hint);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace longscroll
