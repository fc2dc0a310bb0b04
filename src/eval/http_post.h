// HTTP POST of JSON, tried again while the server is busy.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

namespace longscroll {

struct PostPolicy {
  std::chrono::milliseconds connect_timeout{20'000};
  std::chrono::seconds answer_timeout{3600};    // a long prompt on a small machine takes its time
  int tries = 5;                                // while the server is busy (429, 5xx) or cuts the connection
  std::chrono::milliseconds first_pause{1000};  // before trying again; doubles, or as Retry-After says
  size_t max_bytes = size_t{64} << 20;          // of an answer
};

struct PostRequest {
  std::string url;
  std::string key;  // a bearer token for this host alone; empty: none
  PostPolicy policy;
};

// The server's JSON. Throws Error(kNetwork) when it cannot be reached, refuses (with what it says), stays
// busy, or answers something that is not JSON; Error(kCancelled).
nlohmann::json post_json(const PostRequest& request, const nlohmann::ordered_json& body,
                         const std::atomic<bool>* cancel);

}  // namespace longscroll
