// The models that longscroll knows by name: what they are, where they come from, and the hash that
// decides whether a file is the right one, whichever place it came from.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace longscroll {

// One file inside a Python wheel. A mirrored model is its members, one after the other.
struct WheelMember {
  std::string package;
  std::string version;
  std::string member;
};

struct MirrorSource {
  std::vector<WheelMember> members;
};

// A file of a repository at the model hub; empty when the publisher has no identical file.
struct PublisherFile {
  std::string repo;  // OWNER/REPO
  std::string file;
  bool empty() const { return repo.empty(); }
};

struct CatalogueEntry {
  std::string name;
  std::string description;
  std::string file_name;
  std::string sha256;  // 64 lower-case hex digits
  uint64_t size = 0;   // bytes
  std::string licence;
  uint32_t window = 0;    // tokens
  std::string languages;  // comma-separated codes: "en,zh"
  PublisherFile publisher;
  MirrorSource mirror;
};

std::span<const CatalogueEntry> catalogue();
const CatalogueEntry* find_model(std::string_view name);  // nullptr when unknown
std::string_view default_model_name();
std::string catalogue_names();  // "a, b, c", for messages

}  // namespace longscroll
