#include "eval/http_post.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <mutex>
#include <new>
#include <string_view>
#include <thread>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"

namespace longscroll {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kLongestPause{120};
constexpr size_t kShownBytes = 300;  // of a server's own words

struct CurlFree {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, CurlFree>;
using Headers = std::unique_ptr<curl_slist, CurlFree>;

struct Exchange {
  const std::atomic<bool>* cancel;
  size_t max_bytes;
  std::string text;
  bool too_long = false;
};

size_t receive(char* data, size_t, size_t count, void* user) {
  auto* exchange = static_cast<Exchange*>(user);
  if (count > exchange->max_bytes - exchange->text.size()) {
    exchange->too_long = true;
    return count + 1;
  }
  try {
    exchange->text.append(data, count);
  } catch (const std::bad_alloc&) {
    return count + 1;
  }
  return count;
}

int is_cancelled(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* cancel = static_cast<const Exchange*>(user)->cancel;
  return cancel != nullptr && cancel->load() ? 1 : 0;
}

void add_header(Headers& headers, const std::string& line) {
  curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  (void)headers.release();
  headers.reset(longer);
}

Headers headers_of(const PostRequest& request) {
  Headers headers;
  add_header(headers, "Content-Type: application/json");
  add_header(headers, "Expect:");  // long prompts go at once, not after a round trip
  if (!request.key.empty()) add_header(headers, "Authorization: Bearer " + request.key);
  return headers;
}

Easy make_easy(const PostRequest& request, const std::string& body, const Headers& headers,
               Exchange& exchange) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  Easy easy(curl_easy_init());
  if (!easy) throw std::bad_alloc();
  CURL* handle = easy.get();
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "longscroll");
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(request.policy.connect_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, static_cast<long>(request.policy.answer_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, is_cancelled);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &exchange);
  return easy;
}

// What the server says of its refusal: the "message" of its JSON, or the beginning of its text.
std::string words_of(const std::string& text) {
  std::string words = text;
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_object() && json.contains("error")) {
    const nlohmann::json& error = json["error"];
    if (error.is_string()) words = error.get<std::string>();
    if (error.is_object() && error.contains("message") && error["message"].is_string()) {
      words = error["message"].get<std::string>();
    }
  }
  words = replace_invalid_utf8(words.substr(0, kShownBytes));
  std::ranges::replace_if(words, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return words;
}

Error network_error(const PostRequest& request, const std::string& what, const std::string& hint = {}) {
  return {ErrorKind::kNetwork, request.url, what, hint};
}

bool may_pass(CURLcode code, long status) {
  if (code == CURLE_OK) return status == 429 || status >= 500;
  return code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
         code == CURLE_PARTIAL_FILE;
}

void check(const PostRequest& request, CURLcode code, long status, const Exchange& exchange) {
  if (code == CURLE_ABORTED_BY_CALLBACK) throw Error(ErrorKind::kCancelled, "Ctrl-C", "stopped while asking");
  if (exchange.too_long) {
    throw network_error(request, fmt::format("must answer at most {} bytes, found more", exchange.max_bytes));
  }
  if (code != CURLE_OK) {
    throw network_error(request, fmt::format("must be reachable, and is not: {}", curl_easy_strerror(code)),
                        "is the server running, and is --endpoint its address with /v1?");
  }
  const bool is_about_the_key = status == 401 || status == 403;
  throw network_error(request, fmt::format("must answer 200, found {}: {}", status, words_of(exchange.text)),
                      is_about_the_key ? "the key is read from OPENAI_API_KEY" : "");
}

void pause(const PostRequest& request, CURL* easy, int failures, const std::atomic<bool>* cancel) {
  Clock::duration length = request.policy.first_pause * (1 << failures);
  curl_off_t asked = 0;
  if (curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &asked) == CURLE_OK && asked > 0) {
    length = std::min<Clock::duration>(std::chrono::seconds(asked), kLongestPause);
  }
  for (const auto until = Clock::now() + length; Clock::now() < until;) {
    if (cancel != nullptr && cancel->load())
      throw Error(ErrorKind::kCancelled, "Ctrl-C", "stopped while waiting");
    std::this_thread::sleep_for(
        std::min<Clock::duration>(until - Clock::now(), std::chrono::milliseconds(50)));
  }
}

}  // namespace

nlohmann::json post_json(const PostRequest& request, const nlohmann::ordered_json& body,
                         const std::atomic<bool>* cancel) {
  const std::string text = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  const Headers headers = headers_of(request);
  Exchange exchange{cancel, request.policy.max_bytes, {}, false};
  const Easy easy = make_easy(request, text, headers, exchange);
  for (int failures = 0;; ++failures) {
    exchange.text.clear();
    const CURLcode code = curl_easy_perform(easy.get());
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && status == 200) break;
    if (!may_pass(code, status) || failures + 1 >= request.policy.tries)
      check(request, code, status, exchange);
    pause(request, easy.get(), failures, cancel);
  }
  nlohmann::json answer = nlohmann::json::parse(exchange.text, nullptr, false);
  if (answer.is_discarded()) {
    throw network_error(request, fmt::format("must answer JSON, found: {}", words_of(exchange.text)));
  }
  return answer;
}

}  // namespace longscroll
