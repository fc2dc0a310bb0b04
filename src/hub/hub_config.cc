#include "hub/hub_config.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "base/error.h"

namespace longscroll {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

HubConfig hub_config_from_environment() {
  HubConfig config;
  config.endpoint = variable("HF_ENDPOINT");
  if (config.endpoint.empty()) config.endpoint = "https://huggingface.co";
  while (config.endpoint.ends_with('/')) config.endpoint.pop_back();
  const bool is_url = config.endpoint.starts_with("https://") || config.endpoint.starts_with("http://");
  if (!is_url || !is_plain(config.endpoint)) {
    throw Error(ErrorKind::kArgument, "HF_ENDPOINT",
                "must be a URL that begins with https:// or http://, and is not");
  }
  config.token = variable("HF_TOKEN");
  if (!is_plain(config.token)) {
    throw Error(ErrorKind::kArgument, "HF_TOKEN", "must be one word of printable ASCII, and is not");
  }
  return config;
}

bool is_offline() {
  const std::string value = variable("LONGSCROLL_OFFLINE");
  return !value.empty() && value != "0";
}

void require_online(const std::string& what) {
  if (!is_offline()) return;
  throw Error(ErrorKind::kNetwork, what,
              "must be downloaded, and LONGSCROLL_OFFLINE forbids to use the network",
              "unset LONGSCROLL_OFFLINE, or copy the file to the models folder");
}

}  // namespace longscroll
