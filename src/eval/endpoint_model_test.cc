// The endpoint's adapter against a server of a few lines that answers as the test says.
#include "eval/endpoint_model.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <thread>

#include "base/error.h"
#include "eval/fake_models.h"
#include "eval/truncation.h"

namespace longscroll {
namespace {

// Answers one request a connection, with the given replies in turn.
class FakeServer {
 public:
  explicit FakeServer(std::vector<std::string> replies) : replies_(std::move(replies)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(socket_, 8) != 0 ||
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no local server");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeServer() {
    ::shutdown(socket_, SHUT_RDWR);  // ends accept()
    thread_.join();
    ::close(socket_);
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    for (const std::string& reply : replies_) {
      const int connection = ::accept(socket_, nullptr, nullptr);
      if (connection < 0) return;
      const std::string request = read_request(connection);
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      if (!reply.empty()) (void)!::write(connection, reply.data(), reply.size());
      ::close(connection);
    }
  }
  static std::string read_request(int connection) {
    std::string text;
    char buffer[4096];
    for (;;) {
      const size_t head = text.find("\r\n\r\n");
      const size_t at = text.find("Content-Length: ");
      if (head != std::string::npos && at != std::string::npos &&
          text.size() >= head + 4 + std::stoul(text.substr(at + 16))) {
        return text;
      }
      const ssize_t got = ::read(connection, buffer, sizeof buffer);
      if (got <= 0) return text;
      text.append(buffer, static_cast<size_t>(got));
    }
  }

  std::vector<std::string> replies_;
  int socket_ = -1;
  int port_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<std::string> requests_;
};

std::string reply(const std::string& status, const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
const std::string kChat = R"({"choices":[{"message":{"content":"Paris\nis it"},"finish_reason":"length"}],)"
                          R"("usage":{"prompt_tokens":12,"completion_tokens":5}})";
const std::string kCompletion = R"({"choices":[{"text":" 42","finish_reason":"stop"}]})";

EndpointModel model_at(const FakeServer& server, const std::string& key = "") {
  EndpointOptions options;
  options.url = server.url() + "/";
  options.model = "m";
  options.key = key;
  options.policy.first_pause = std::chrono::milliseconds(1);
  options.policy.tries = 3;
  return EndpointModel(options);
}

nlohmann::json body_of(const std::string& request) {
  return nlohmann::json::parse(request.substr(request.find("\r\n\r\n") + 4));
}

const EvalPrompt kTurns = {{{"system", "Be brief."}, {"user", "Capital of \"France\"?"}}, false, {}};
const EvalPrompt kBare = {{{"user", "6 times 7 is"}}, true, {}};

std::string fault(EndpointModel& model, const EvalPrompt& prompt) {
  try {
    model.generate(prompt, 5, {}, {});
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNetwork);
    return error.what();
  }
  return "";
}

TEST(Endpoint, TurnsGoToChatCompletions) {
  FakeServer server({reply("200 OK", kChat)});
  EndpointModel model = model_at(server, "secret");
  const Generated made = model.generate(kTurns, 5, std::vector<std::string>{"never"}, {});
  EXPECT_EQ(made.text, "Paris\nis it");
  EXPECT_EQ(made.finish, Finish::kLength);
  EXPECT_EQ(made.costs.prompt_tokens, 12u);
  EXPECT_EQ(made.generated_tokens, 5u);
  const std::string request = server.requests().at(0);
  EXPECT_THAT(request, testing::StartsWith("POST /v1/chat/completions "));
  EXPECT_THAT(request, testing::HasSubstr("Authorization: Bearer secret"));
  const nlohmann::json body = body_of(request);
  EXPECT_EQ(body["messages"][1]["content"], "Capital of \"France\"?");
  EXPECT_EQ(body["temperature"], 0);
  EXPECT_EQ(body["max_tokens"], 5);
  EXPECT_EQ(body["stop"][0], "never");
}

TEST(Endpoint, BarePromptsGoToCompletions) {
  FakeServer server({reply("200 OK", kCompletion)});
  EndpointModel model = model_at(server);
  EXPECT_EQ(model.generate(kBare, 5, {}, {}).text, " 42");
  const std::string request = server.requests().at(0);
  EXPECT_THAT(request, testing::StartsWith("POST /v1/completions "));
  EXPECT_THAT(request, testing::Not(testing::HasSubstr("Authorization")));
  EXPECT_EQ(body_of(request)["prompt"], "6 times 7 is");
}

TEST(Endpoint, AStopStringThatTheServerLeftInIsCut) {
  FakeServer server({reply("200 OK", kChat)});
  EndpointModel model = model_at(server);
  const Generated made = model.generate(kTurns, 5, std::vector<std::string>{"\n"}, {});
  EXPECT_EQ(made.text, "Paris");
  EXPECT_EQ(made.finish, Finish::kStop);
}

TEST(Endpoint, ABusyServerIsAskedAgain) {
  FakeServer server({reply("429 Too Many Requests", "{}", "Retry-After: 0\r\n"), reply("503 Busy", "wait"),
                     "", reply("200 OK", kChat)});
  EndpointOptions options;
  options.url = server.url();
  options.policy.first_pause = std::chrono::milliseconds(1);
  options.policy.tries = 4;
  EndpointModel model(options);
  EXPECT_EQ(model.generate(kTurns, 5, {}, {}).costs.prompt_tokens, 12u);
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST(Endpoint, AServerThatStaysBusyEndsTheRun) {
  FakeServer server({3, reply("503 Busy", R"({"error":{"message":"loading model"}})")});
  EndpointModel model = model_at(server);
  EXPECT_THAT(fault(model, kTurns), testing::HasSubstr("503: loading model"));
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST(Endpoint, RefusalsAreSaidOnceWithTheServersWords) {
  FakeServer server({reply("400 Bad Request", R"({"error":{"message":"too long: 9000 tokens"}})"),
                     reply("401 Unauthorized", "no")});
  EndpointModel model = model_at(server);
  EXPECT_THAT(fault(model, kTurns), testing::HasSubstr("400: too long: 9000 tokens"));
  EXPECT_THAT(fault(model, kTurns), testing::HasSubstr("OPENAI_API_KEY"));
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST(Endpoint, AnswersThatAreNoneAreErrors) {
  const std::vector<std::string> bodies = {"<html>",
                                           "[]",
                                           R"({"choices":[]})",
                                           R"({"choices":[1]})",
                                           R"({"choices":[{"message":{"content":7}}]})",
                                           R"({"choices":[{"text":"x"}]})"};
  std::vector<std::string> replies;
  for (const std::string& body : bodies) replies.push_back(reply("200 OK", body));
  FakeServer server(replies);
  EndpointModel model = model_at(server);
  for (const std::string& body : bodies) EXPECT_NE(fault(model, kTurns), "") << body;
}

TEST(Endpoint, NobodyThereIsSaidAtOnce) {
  EndpointOptions options;
  options.url = "http://127.0.0.1:1/v1";
  EndpointModel model(options);
  EXPECT_THAT(fault(model, kTurns), testing::HasSubstr("must be reachable"));
  options.url = "file:///etc/passwd";
  EXPECT_THROW(EndpointModel{options}, Error);
}

TEST(Endpoint, LikelihoodsAreRefused) {
  FakeServer server({});
  EndpointModel model = model_at(server);
  EXPECT_THROW(model.encode_choices(kBare.turns, true, std::vector<std::string>{"a"}), Error);
}

TEST(Endpoint, LongTurnsAreCutByTheTokenizerThatWasNamed) {
  EndpointOptions options;
  options.url = "http://127.0.0.1:1/v1";
  options.tokenizer = std::make_shared<test::FakeTokenizer>();
  const EndpointModel model(options);
  const std::vector<Turn> turns = {{"system", "Be brief."},
                                   {"user", std::string(500, 'a') + std::string(500, 'z')}};
  const TruncationOptions cut{TruncationMode::kMiddle, MiddleRule::kOpenCompass, 400};
  const FittedPrompt fitted = fit_prompt(model, turns, false, 50, cut, "item");
  ASSERT_TRUE(fitted.truncation);
  const std::string& text = fitted.prompt.turns[1].content;
  EXPECT_LE(text.size() + 9 + 50, 400u);
  EXPECT_GE(text.size(), 300u);
  EXPECT_EQ(std::ranges::count(text, 'a'), std::ranges::count(text, 'z'));
  EXPECT_EQ(fitted.truncation->dropped, 1000 - text.size());
  EXPECT_THROW(
      fit_prompt(model, turns, false, 50, {TruncationMode::kRefuse, MiddleRule::kOpenCompass, 400}, "i"),
      Error);
}

}  // namespace
}  // namespace longscroll
