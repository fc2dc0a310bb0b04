// Where pulled models lie, and which file a model's name means.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace longscroll {

// $LONGSCROLL_MODELS, else $XDG_CACHE_HOME/longscroll, else ~/.cache/longscroll. Not created.
std::filesystem::path models_directory();

// "hf:OWNER/REPO[@REVISION][:FILE]": a repository of the model hub.
struct HfSpec {
  std::string owner;
  std::string repo;
  std::string revision = "main";
  std::string file;  // empty: what a model needs
};

bool is_hf_spec(std::string_view text);       // begins with "hf:"
HfSpec parse_hf_spec(std::string_view text);  // throws Error(kArgument)
std::string to_string(const HfSpec& spec);

// MODELS/hf/OWNER/REPO, with @REVISION when it is not main.
std::filesystem::path hf_directory(const HfSpec& spec);

// The name of a file in a repository is the server's word. True for a relative path without "..", hidden,
// empty or over-long parts, backslashes, control characters or invalid UTF-8.
bool is_safe_file_name(std::string_view name);

// What a finished pull of a whole repository leaves beside its files.
struct PulledFile {
  std::string name;
  uint64_t size = 0;
};
void write_pulled_list(const std::filesystem::path& directory, std::string_view commit,
                       const std::vector<PulledFile>& files);

// What a spec means on this machine: the folder of a repository pulled whole, its one file when that is a
// GGUF, or the file that the spec names; nullopt when it is not here or not complete.
std::optional<std::filesystem::path> find_pulled(const HfSpec& spec);

// A path that exists, a catalogue's name or an "hf:" spec to the file or folder that it means. Throws
// Error(kFile), with the `longscroll pull` that would help, when it is not on this machine.
std::filesystem::path resolve_model(std::string_view name_or_path);

}  // namespace longscroll
