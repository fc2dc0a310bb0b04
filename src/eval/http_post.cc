#include "eval/http_post.h"

#include <algorithm>
#include <new>
#include <string_view>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "hub/curl_handle.h"

namespace longscroll {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kLongestPause{120};
constexpr size_t kShownBytes = 300;  // of a server's own words

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

CurlHeaders headers_of(const PostRequest& request) {
  std::vector<std::string> lines = {"Content-Type: application/json",
                                    "Expect:"};  // long prompts go at once, not after a round trip
  if (!request.key.empty()) lines.push_back(bearer(request.key));
  return make_curl_headers(lines);
}

CurlEasy make_easy(const PostRequest& request, const std::string& body, const CurlHeaders& headers,
                   Exchange& exchange) {
  CurlEasy easy = make_curl(request.url, request.policy.connect_timeout);
  CURL* handle = easy.get();
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
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
  if (code == CURLE_OK) return is_passing_status(status);
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
  const auto cancelled = [cancel] { return cancel != nullptr && cancel->load(); };
  if (!wait_unless(cancelled, length)) throw Error(ErrorKind::kCancelled, "Ctrl-C", "stopped while waiting");
}

}  // namespace

nlohmann::json post_json(const PostRequest& request, const nlohmann::ordered_json& body,
                         const std::atomic<bool>* cancel) {
  const std::string text = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  const CurlHeaders headers = headers_of(request);
  Exchange exchange{cancel, request.policy.max_bytes, {}, false};
  const CurlEasy easy = make_easy(request, text, headers, exchange);
  for (int failures = 0;; ++failures) {
    exchange.text.clear();
    const CURLcode code = curl_easy_perform(easy.get());
    const long status = status_of(easy.get());
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
