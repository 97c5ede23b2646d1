// SPDX-License-Identifier: Apache-2.0
#include "client/cli/store_reader.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>
#include <cstring>
#include <utility>

#include "client/cli/daemon_call.h"
#include "client/cli/log_report_text.h"
#include "client/cli/spawn.h"
#include "client/cli/terminal.h"
#include "proto-json/limits.h"
#include "proto-json/line_splitter.h"

namespace openexec::cli {
namespace {

constexpr std::string_view tool_name = "openexec-store";

// Beside this program, as it is built and moved about, or where it is installed. PATH is not asked: whoever can put a
// folder into it could put another program in its place.
std::expected<std::string, std::string> tool_path() {
  std::array<char, PATH_MAX> self{};
  const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size());
  if (length > 0 && static_cast<std::size_t>(length) < self.size()) {
    const std::string_view path(self.data(), static_cast<std::size_t>(length));
    std::string beside = fmt::format("{}/{}", path.substr(0, path.rfind('/')), tool_name);
    if (::access(beside.c_str(), X_OK) == 0) {
      return beside;
    }
  }
  std::string installed = fmt::format("{}/openexec/{}", OPENEXEC_LIBEXEC_DIR, tool_name);
  if (::access(installed.c_str(), X_OK) != 0) {
    return std::unexpected(fmt::format("{} is missing: it belongs beside openexec or to {}", tool_name, installed));
  }
  return installed;
}

// A running openexec-store; killed and reaped when this goes.
class Tool {
 public:
  static std::expected<Tool, std::string> start(std::vector<std::string> words);
  Tool(Tool&& other) noexcept : pid_(std::exchange(other.pid_, -1)), out_(std::move(other.out_)) {}
  Tool& operator=(Tool&&) = delete;
  ~Tool() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      static_cast<void>(reap());
    }
  }
  [[nodiscard]] int out() const { return out_.fd(); }
  // Waits for its end, as waitpid() has it.
  int reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  Tool(pid_t pid, File out) : pid_(pid), out_(std::move(out)) {}
  pid_t pid_;
  File out_;
};

std::expected<Tool, std::string> Tool::start(std::vector<std::string> words) {
  auto path = tool_path();
  if (!path) {
    return std::unexpected(path.error());
  }
  auto pipe = make_pipe();
  SpawnSettings settings;
  int error =
      pipe ? ::posix_spawn_file_actions_adddup2(&settings.actions, pipe->write.fd(), STDOUT_FILENO) : pipe.error();
  words.insert(words.begin(), *path);
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  pid_t pid = -1;
  error = error != 0
              ? error
              : ::posix_spawn(&pid, path->c_str(), &settings.actions, &settings.attributes, argv.data(), environ);
  if (error != 0) {
    return std::unexpected(fmt::format("cannot start {}: {}", *path, std::strerror(error)));
  }
  return Tool(pid, std::move(pipe->read));
}

// What it says, line after line.
class Conversation {
 public:
  explicit Conversation(Tool tool) : tool_(std::move(tool)) {}

  std::expected<Json, StoreFailure> run() {
    while (!answer_) {
      const auto more = read_some();
      if (!more) {
        return std::unexpected(more.error());
      }
      if (!*more) {
        break;
      }
    }
    progress_.clear();
    return end();
  }

 private:
  // False at the end of its output.
  std::expected<bool, StoreFailure> read_some();
  void take(std::string_view line);
  std::expected<Json, StoreFailure> end();
  [[nodiscard]] std::string where() const;

  Tool tool_;
  LineSplitter lines_{limits::reply_bytes_max};
  ProgressLine progress_;
  std::string table_;  // that is being read
  std::uint64_t done_ = 0;
  std::uint64_t of_ = 0;
  std::optional<std::expected<Json, StoreFailure>> answer_;
};

std::expected<bool, StoreFailure> Conversation::read_some() {
  pollfd waiting{tool_.out(), POLLIN, 0};
  // Only once it has begun to read tables does it tell of them all the time.
  const int timeout_ms = table_.empty() ? -1 : limits::store_reader_stall_ms;
  const int ready = ::poll(&waiting, 1, timeout_ms);
  if (ready == 0) {
    progress_.clear();
    return std::unexpected(
        StoreFailure{fmt::format("the store is damaged: its reader came to a stand {}", where()), true});
  }
  std::array<char, 4096> buffer{};
  const ssize_t got = ready < 0 ? -1 : ::read(tool_.out(), buffer.data(), buffer.size());
  if (got < 0) {
    return errno == EINTR ? std::expected<bool, StoreFailure>(true)
                          : std::unexpected(StoreFailure{std::strerror(errno), false});
  }
  lines_.feed({buffer.data(), static_cast<std::size_t>(got)});
  while (const auto line = lines_.next()) {
    take(*line);
  }
  return got > 0 && !lines_.overflowed();
}

void Conversation::take(std::string_view line) {
  const auto json = parse_json(line);
  if (!json) {
    return;
  }
  if (const std::string* table = json->find_string("table")) {
    table_ = *table;
    done_ = number_in(*json, "progress");
    of_ = number_in(*json, "of");
    progress_.show(printable(table_), done_, of_);
  } else if (const Json* result = json->find("result")) {
    answer_ = *result;
  } else if (const std::string* error = json->find_string("error")) {
    answer_ = std::unexpected(StoreFailure{*error, false});
  }
}

std::string Conversation::where() const {
  return table_.empty() ? std::string("before the first table")
                        : fmt::format("in table {}, after {} of {} rows", table_, done_, of_);
}

std::expected<Json, StoreFailure> Conversation::end() {
  const int status = tool_.reap();
  if (answer_ && !WIFSIGNALED(status)) {
    return *std::move(answer_);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == static_cast<int>(Exit::usage)) {
    return std::unexpected(StoreFailure{fmt::format("{} is of another release than this program", tool_name), false});
  }
  const std::string how =
      WIFSIGNALED(status) ? ::strsignal(WTERMSIG(status)) : fmt::format("it ended with {}", WEXITSTATUS(status));
  return std::unexpected(
      StoreFailure{fmt::format("the store is damaged: its reader crashed ({}) {}", how, where()), true});
}

}  // namespace

std::expected<Json, StoreFailure> ask_store(const std::vector<std::string>& words) {
  auto tool = Tool::start(words);
  if (!tool) {
    return std::unexpected(StoreFailure{tool.error(), false});
  }
  return Conversation(*std::move(tool)).run();
}

std::expected<std::string, Exit> store_dir(const Globals& globals, const Screen& screen, const std::string& named) {
  if (!named.empty()) {
    return named;
  }
  const auto health = ask(globals, screen, "health");
  if (!health) {
    complain("no store was named", "Name its folder to do without the daemon:  openexec … DIR");
    return std::unexpected(health.error());
  }
  const Json* store = health->find("store");
  const std::string* dir = store == nullptr ? nullptr : store->find_string("dir");
  if (dir == nullptr) {
    complain("the daemon does not say where its store is", "Name the store's folder.");
    return std::unexpected(Exit::refused);
  }
  return *dir;
}

Exit tell_store_failure(const StoreFailure& failure) {
  complain(printable(failure.text), failure.is_damaged ? "Take a backup that openexec log verify finds whole, and see "
                                                         "docs/operations.md, \"A damaged store\"."
                                                       : "");
  return Exit::refused;
}

}  // namespace openexec::cli
