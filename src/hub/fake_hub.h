// For tests: tests/hub/fake_hub.py as a child process, and what it serves.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>

#include "hub/http.h"
#include "hub/hub_config.h"

namespace longscroll {

class FakeHub {
 public:
  FakeHub() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string python = "python3", script = LONGSCROLL_FAKE_HUB, flag = "--port", port = "0";
    char* arguments[] = {python.data(), script.data(), flag.data(), port.data(), nullptr};
    const int failure = posix_spawnp(&child_, "python3", &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE* out = fdopen(ends[0], "r");
    const bool ok = failure == 0 && fscanf(out, "%d %d", &port_, &cdn_port_) == 2;
    fclose(out);
    if (!ok) throw std::runtime_error("the fake hub did not start");
  }
  ~FakeHub() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  FakeHub(const FakeHub&) = delete;
  FakeHub& operator=(const FakeHub&) = delete;

  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // Impatient, so that tests are quick.
  HubConfig config(const std::string& token = {}) const {
    HubConfig config;
    config.endpoint = endpoint();
    config.token = token;
    config.policy.first_pause = std::chrono::milliseconds(5);
    config.policy.stalled_time = std::chrono::seconds(1);
    return config;
  }

  // Every request so far: path, query, range, if_range, authorization, cdn.
  nlohmann::json log() const {
    return nlohmann::json::parse(
        http_get({.url = endpoint() + "/log", .token = {}, .policy = {}}, 1 << 20, {}));
  }

  // The requests for one file.
  std::vector<nlohmann::json> requests_for(const std::string& file) const {
    std::vector<nlohmann::json> found;
    for (const auto& request : log()) {
      if (request["path"].get<std::string>().ends_with("/" + file)) found.push_back(request);
    }
    return found;
  }

 private:
  pid_t child_ = -1;
  int port_ = 0;
  int cdn_port_ = 0;
};

// As content() in fake_hub.py; the seed there is the length of the file's name.
inline std::string fake_content(size_t seed, size_t size) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * 31 + (i >> 8) + seed) & 0xFF);
  return out;
}
inline std::string fake_file(const std::string& name, size_t size) {
  return fake_content(name.size(), size);
}

inline constexpr size_t kFakeBig = 350'000;

}  // namespace longscroll
