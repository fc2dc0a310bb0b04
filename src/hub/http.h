// HTTP GET: a small text into memory, or a file of known size into a part that a later try goes on from.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "hub/part_file.h"
#include "hub/pull_events.h"

namespace longscroll {

struct HttpPolicy {
  std::chrono::milliseconds connect_timeout{20'000};
  long stalled_bytes_per_second = 1024;        // slower than this …
  std::chrono::seconds stalled_time{30};       // … for this long counts as cut
  int tries = 5;                               // in a row that bring nothing new
  std::chrono::milliseconds first_pause{500};  // before trying again; doubles
};

struct HttpRequest {
  std::string url;
  std::string token;  // sent as a bearer token to this URL's host, and to no other that it redirects to
  HttpPolicy policy;
};

// Both throw Error(kNetwork) when the server cannot be reached, refuses, or keeps cutting the connection,
// and Error(kCancelled). A server that was never reached is not tried again.
std::string http_get(const HttpRequest& request, size_t max_bytes, const PullEvents& events);

// Brings `part` to exactly `size` bytes. What it holds is kept if the server can go on from there and still
// has the same version (ETag); else the download begins anew. `shown` names the file in progress reports.
void http_download(const HttpRequest& request, PartFile& part, uint64_t size, const std::string& shown,
                   const PullEvents& events);

// The path of a URL: everything but letters, digits, "-._~" and '/' in percent form.
std::string percent_encode_path(std::string_view path);

}  // namespace longscroll
