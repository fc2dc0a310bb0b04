// Any repository of the model hub, through its HTTP API.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "hub/hub_config.h"
#include "hub/paths.h"
#include "hub/pull_events.h"

namespace longscroll {

struct RepoFile {
  std::string name;
  uint64_t size = 0;
  std::string sha256;   // of a large file; else empty
  std::string blob_id;  // git's hash of a small file; else empty
};

struct RepoListing {
  std::string commit;
  std::vector<RepoFile> files;
};

// The API's answer. Throws Error(kNetwork) when it is not what the API promises. A file's name is still the
// server's word.
RepoListing parse_repo_listing(std::string_view json, const std::string& where);

// The file that the spec names; else what a model needs: configuration, tokenizer, and weights as
// safetensors, or .bin when there are none, or the only .gguf. Throws Error(kFile) when nothing fits or when
// several .gguf files would, and Error(kNetwork) for a name or a hash that no honest server gives.
std::vector<RepoFile> choose_files(const RepoListing& listing, const HfSpec& spec);

// Downloads what is chosen and not here yet, checks each file, and returns the folder, or the file when it is
// the spec's or the only one and a GGUF.
std::filesystem::path pull_hf(const HfSpec& spec, const HubConfig& config, const PullEvents& events);

}  // namespace longscroll
