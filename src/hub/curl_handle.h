// What every request of ours begins with, whatever it asks for: libcurl's handles, owned.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace longscroll {

struct CurlFree {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlEasy = std::unique_ptr<CURL, CurlFree>;
using CurlHeaders = std::unique_ptr<curl_slist, CurlFree>;

// For this URL, by HTTP and HTTPS alone; does not follow redirects. Throws std::bad_alloc.
CurlEasy make_curl(const std::string& url, std::chrono::milliseconds connect_timeout);
CurlHeaders make_curl_headers(const std::vector<std::string>& lines);  // throws std::bad_alloc

long status_of(CURL* easy);                    // of the answer; 0: there was none
bool is_passing_status(long status);           // one that trying again may change
std::string bearer(const std::string& token);  // the header that carries it

// False as soon as `cancelled` says so, looked at 20 times a second.
bool wait_unless(const std::function<bool()>& cancelled, std::chrono::steady_clock::duration length);

}  // namespace longscroll
