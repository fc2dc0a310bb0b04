#include "hub/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <exception>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/utf8.h"
#include "hub/curl_handle.h"

namespace longscroll {
namespace {

using Clock = std::chrono::steady_clock;

constexpr long kMaxRedirects = 8;
constexpr int kMaxRestarts = 3;
constexpr std::chrono::milliseconds kReportInterval{100};
constexpr std::string_view kEtagOrigin = "etag ";

// What the callbacks need while one request runs. Exceptions must not cross libcurl: they wait in `failure`.
struct Exchange {
  CURL* easy;
  const PullEvents* events;
  std::function<bool(std::span<const std::byte>)> on_body;  // false: stop this try
  std::string etag;
  std::string content_range;
  std::exception_ptr failure;
};

size_t receive_body(char* data, size_t, size_t count, void* user) {
  auto* exchange = static_cast<Exchange*>(user);
  try {
    return exchange->on_body(std::as_bytes(std::span(data, count))) ? count : count + 1;
  } catch (...) {
    exchange->failure = std::current_exception();
    return count + 1;
  }
}

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<std::string> header_value(std::string_view line, std::string_view name) {
  const auto equal = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  if (line.size() <= name.size() || line[name.size()] != ':') return std::nullopt;
  if (!std::ranges::equal(line.substr(0, name.size()), name, equal)) return std::nullopt;
  return std::string(trimmed(line.substr(name.size() + 1)));
}

size_t receive_header(char* data, size_t, size_t count, void* user) {
  auto* exchange = static_cast<Exchange*>(user);
  try {
    const std::string_view line(data, count);
    if (line.starts_with("HTTP/")) {  // a redirect's headers end where the next answer's begin
      exchange->etag.clear();
      exchange->content_range.clear();
    } else if (auto etag = header_value(line, "etag")) {
      exchange->etag = *etag;
    } else if (auto range = header_value(line, "content-range")) {
      exchange->content_range = *range;
    }
    return count;
  } catch (...) {
    exchange->failure = std::current_exception();
    return count + 1;
  }
}

int check_cancel(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(user)->events->cancelled() ? 1 : 0;
}

void restrict_redirects(CURL* easy, bool secure) {
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
#else
  const long any = CURLPROTO_HTTP | CURLPROTO_HTTPS;
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS, secure ? static_cast<long>(CURLPROTO_HTTPS) : any);
#endif
}

CurlEasy make_easy(const HttpRequest& request, Exchange& exchange) {
  CurlEasy easy = make_curl(request.url, request.policy.connect_timeout);
  CURL* handle = easy.get();
  exchange.easy = handle;
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, kMaxRedirects);
  restrict_redirects(handle, request.url.starts_with("https:"));
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, request.policy.stalled_bytes_per_second);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.policy.stalled_time.count()));
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, receive_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, check_cancel);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &exchange);
  return easy;
}

// A header: libcurl drops it by itself when it is redirected to another host, port or protocol.
std::vector<std::string> token_header(const HttpRequest& request) {
  if (request.token.empty()) return {};
  return {bearer(request.token)};
}

Error network_error(const HttpRequest& request, const std::string& what, std::string hint = {}) {
  return Error(ErrorKind::kNetwork, request.url, what, std::move(hint));
}

// Throws for a status that trying again will not change.
void check_status(const HttpRequest& request, long status) {
  if (status == 200 || status == 206 || is_passing_status(status)) return;
  if (status == 401 || status == 403) {
    throw network_error(
        request, fmt::format("must be open to us, and the server answered {}", status),
        request.token.empty()
            ? "if the repository is private or gated, set HF_TOKEN to your access token; if not, "
              "check its name"
            : "HF_TOKEN was sent: check that it is valid, and that its owner accepted the "
              "repository's terms");
  }
  if (status == 404) {
    throw network_error(request, "must be there, and the server answered 404 (not found)",
                        "check the owner, the repository, the revision and the file's name");
  }
  throw network_error(request, fmt::format("must answer 200, and the server answered {}", status));
}

bool never_reached(CURLcode code) {
  return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
         code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT;
}

bool is_hopeless(CURLcode code) {
  return code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
         code == CURLE_TOO_MANY_REDIRECTS || code == CURLE_PEER_FAILED_VERIFICATION ||
         code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_CACERT_BADFILE;
}

void check_code(const HttpRequest& request, CURLcode code, bool reached_before) {
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    throw Error(ErrorKind::kCancelled, request.url, "the download was stopped");
  }
  if (is_hopeless(code) || (never_reached(code) && !reached_before)) {
    throw network_error(request, fmt::format("must be reachable, and is not: {}", curl_easy_strerror(code)),
                        "check the network, the proxy settings and HF_ENDPOINT");
  }
}

// Counts the tries in a row that brought nothing, and waits longer after each.
class Patience {
 public:
  Patience(const HttpRequest& request, const PullEvents& events) : request_(request), events_(events) {}

  void after_try(bool brought_something, const std::string& reason) {
    failures_ = brought_something ? 0 : failures_ + 1;
    if (failures_ >= request_.policy.tries) {
      throw network_error(request_,
                          fmt::format("must be readable to its end, and {} tries in a row brought "
                                      "nothing: {}",
                                      failures_, reason),
                          "run the same command again: it goes on from what is there");
    }
    const auto cancelled = [this] { return events_.cancelled(); };
    if (!wait_unless(cancelled, request_.policy.first_pause * (1 << failures_)))
      throw Error(ErrorKind::kCancelled, request_.url, "the download was stopped");
  }

 private:
  const HttpRequest& request_;
  const PullEvents& events_;
  int failures_ = 0;
};

std::string reason_of(CURLcode code, long status) {
  return code == CURLE_OK && is_passing_status(status) ? fmt::format("the server answered {}", status)
                                                       : std::string(curl_easy_strerror(code));
}

// "bytes 100-199/200": where the answer begins; nullopt when it does not say, or says another total.
std::optional<uint64_t> range_start(std::string_view content_range, uint64_t size) {
  if (!content_range.starts_with("bytes ")) return std::nullopt;
  const std::string_view rest = content_range.substr(6);
  uint64_t start = 0;
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), start);
  if (parsed.ec != std::errc()) return std::nullopt;
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view total = rest.substr(slash + 1);
  return total == "*" || total == std::to_string(size) ? std::optional(start) : std::nullopt;
}

// One file's download, over as many tries as it takes.
class Download {
 public:
  Download(const HttpRequest& request, PartFile& part, uint64_t size, const std::string& shown,
           const PullEvents& events)
      : request_(request),
        part_(part),
        size_(size),
        shown_(shown),
        events_(events),
        patience_(request, events) {}

  void run() {
    if (part_.size() > size_) part_.discard();
    exchange_.events = &events_;
    exchange_.on_body = [this](std::span<const std::byte> bytes) { return take(bytes); };
    const CurlEasy easy = make_easy(request_, exchange_);
    events_.report(shown_, part_.size(), size_);
    while (part_.size() < size_) try_once(easy.get());
    events_.report(shown_, size_, size_);
  }

 private:
  void try_once(CURL* easy) {
    const uint64_t before = part_.size();
    const CurlHeaders headers = make_curl_headers(header_lines());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
    exchange_.etag.clear();
    exchange_.content_range.clear();
    body_begun_ = false;
    must_restart_ = false;
    const CURLcode code = curl_easy_perform(easy);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nullptr);  // the list goes with this try
    if (exchange_.failure) std::rethrow_exception(exchange_.failure);
    check_code(request_, code, reached_ || body_begun_);
    reached_ = true;
    const long status = status_of(easy);
    if (must_restart_ || status == 416) return restart();
    check_status(request_, status);
    if (part_.size() == size_) return;
    patience_.after_try(part_.size() > before, code == CURLE_OK && !is_passing_status(status)
                                                   ? "the answer ended early"
                                                   : reason_of(code, status));
  }

  std::vector<std::string> header_lines() const {
    std::vector<std::string> lines = token_header(request_);
    if (part_.size() == 0) return lines;
    lines.push_back(fmt::format("Range: bytes={}-", part_.size()));
    const std::string etag = known_etag();
    if (etag.starts_with('"')) lines.push_back("If-Range: " + etag);  // weak tags may not be used there
    return lines;
  }

  std::string known_etag() const {
    const std::string origin = part_.origin();
    return origin.starts_with(kEtagOrigin) ? origin.substr(kEtagOrigin.size()) : std::string();
  }

  // The server has another version, or answers another range than the one asked for.
  void restart() {
    part_.discard();
    if (++restarts_ > kMaxRestarts) {
      throw network_error(request_, "must stay the same while it is read, and keeps changing");
    }
  }

  bool take(std::span<const std::byte> bytes) {
    const long status = status_of(exchange_.easy);
    if (status != 200 && status != 206) return false;  // an error page: the status says enough
    if (!body_begun_ && !begin_body(status)) return false;
    body_begun_ = true;
    if (bytes.size() > size_ - part_.size()) refuse_size("more");
    part_.append(bytes);
    if (Clock::now() - reported_ >= kReportInterval) {
      reported_ = Clock::now();
      events_.report(shown_, part_.size(), size_);
    }
    return true;
  }

  bool begin_body(long status) {
    if (status == 200) {
      curl_off_t length = -1;
      curl_easy_getinfo(exchange_.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
      if (length >= 0 && static_cast<uint64_t>(length) != size_) refuse_size(std::to_string(length));
      part_.discard();
    } else {
      const std::string etag = known_etag();
      const bool same = etag.empty() || exchange_.etag.empty() || etag == exchange_.etag;
      must_restart_ = !same || range_start(exchange_.content_range, size_) != part_.size();
      if (must_restart_) return false;
    }
    if (!exchange_.etag.empty()) part_.set_origin(std::string(kEtagOrigin) + exchange_.etag);
    return true;
  }

  [[noreturn]] void refuse_size(std::string_view found) const {
    throw network_error(request_, fmt::format("must have {} bytes, and the server sends {}", size_, found));
  }

  const HttpRequest& request_;
  PartFile& part_;
  uint64_t size_;
  const std::string& shown_;
  const PullEvents& events_;
  Patience patience_;
  Exchange exchange_{};
  bool body_begun_ = false;
  bool must_restart_ = false;
  bool reached_ = false;
  int restarts_ = 0;
  Clock::time_point reported_{};
};

}  // namespace

std::string http_get(const HttpRequest& request, size_t max_bytes, const PullEvents& events) {
  std::string text;
  Exchange exchange{};
  exchange.events = &events;
  exchange.on_body = [&](std::span<const std::byte> bytes) {
    if (bytes.size() > max_bytes - text.size()) {
      throw network_error(request,
                          fmt::format("must be at most {} bytes, and the server sends more", max_bytes));
    }
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return true;
  };
  const CurlEasy easy = make_easy(request, exchange);
  const CurlHeaders headers = make_curl_headers(token_header(request));
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  Patience patience(request, events);
  bool reached = false;
  while (true) {
    text.clear();
    const CURLcode code = curl_easy_perform(easy.get());
    if (exchange.failure) std::rethrow_exception(exchange.failure);
    check_code(request, code, reached);
    reached = true;
    const long status = status_of(easy.get());
    check_status(request, status);
    if (code == CURLE_OK && status == 200) return text;
    patience.after_try(false, reason_of(code, status));
  }
}

void http_download(const HttpRequest& request, PartFile& part, uint64_t size, const std::string& shown,
                   const PullEvents& events) {
  Download(request, part, size, shown, events).run();
}

std::string percent_encode_path(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace longscroll
