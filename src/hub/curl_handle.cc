#include "hub/curl_handle.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <thread>

namespace longscroll {

CurlEasy make_curl(const std::string& url, std::chrono::milliseconds connect_timeout) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  CurlEasy easy(curl_easy_init());
  if (!easy) throw std::bad_alloc();
  CURL* handle = easy.get();
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "longscroll");
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout.count()));
  return easy;
}

CurlHeaders make_curl_headers(const std::vector<std::string>& lines) {
  CurlHeaders list;
  for (const std::string& line : lines) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    (void)list.release();
    list.reset(longer);
  }
  return list;
}

long status_of(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

bool is_passing_status(long status) {
  return status == 429 || status >= 500;
}

std::string bearer(const std::string& token) {
  return "Authorization: Bearer " + token;
}

bool wait_unless(const std::function<bool()>& cancelled, std::chrono::steady_clock::duration length) {
  using Clock = std::chrono::steady_clock;
  for (const auto until = Clock::now() + length; Clock::now() < until;) {
    if (cancelled()) return false;
    std::this_thread::sleep_for(
        std::min<Clock::duration>(until - Clock::now(), std::chrono::milliseconds(50)));
  }
  return true;
}

}  // namespace longscroll
