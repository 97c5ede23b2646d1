// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "proto-json/canonical.h"
#include "proto-json/check.h"
#include "tests/integration/transcript.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

constexpr std::string_view origin = "vm1/openexec";

std::int64_t number_in(std::string_view text) {
  std::int64_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) {
    throw std::runtime_error("no number: " + std::string(text));
  }
  return number;
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

// $REPEAT(N,TEXT), where TEXT has no parenthesis.
void expand_repeats(std::string& text) {
  constexpr std::string_view mark = "$REPEAT(";
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
    const auto comma = text.find(',', at);
    const auto end = text.find(')', comma);
    if (comma == std::string::npos || end == std::string::npos) {
      throw std::runtime_error("no $REPEAT(N,TEXT): " + text);
    }
    const auto count = number_in(std::string_view(text).substr(at + mark.size(), comma - at - mark.size()));
    const std::string piece = text.substr(comma + 1, end - comma - 1);
    std::string repeated;
    for (std::int64_t i = 0; i < count; ++i) {
      repeated += piece;
    }
    text.replace(at, end + 1 - at, repeated);
    at += repeated.size();
  }
}

std::string unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text[0] != '\\' || text.size() < 2) {
      out += text[0];
      text.remove_prefix(1);
    } else if (text[1] == 'x' && text.size() >= 4) {
      unsigned byte = 0;
      std::from_chars(text.data() + 2, text.data() + 4, byte, 16);
      out += static_cast<char>(byte);
      text.remove_prefix(4);
    } else {
      out += text[1] == 'n' ? '\n' : text[1] == 'r' ? '\r' : text[1] == 't' ? '\t' : text[1];
      text.remove_prefix(2);
    }
  }
  return out;
}

Json mint(std::string_view description) {
  constexpr std::string_view payload_mark = "payload=";
  const auto payload_at = description.find(payload_mark);
  if (payload_at == std::string_view::npos) {
    throw std::runtime_error("an approval has a payload: " + std::string(description));
  }
  const Json payload = parsed(description.substr(payload_at + payload_mark.size()));
  std::string action;
  ApprovalChoices choices;
  Approver approver = Approver::trusted();
  std::vector<std::pair<std::string, std::string>> changes;
  std::istringstream words(std::string(description.substr(0, payload_at)));
  std::string word;
  while (words >> word) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    constexpr std::string_view set = "set.";
    if (name == "action") {
      action = value;
    } else if (name == "tenant") {
      choices.tenant_id = value;
    } else if (name == "issued") {
      choices.issued_s = number_in(value);
    } else if (name == "expires") {
      choices.expires_s = number_in(value);
    } else if (name == "key" && value == "other") {
      approver = Approver::other();
    } else if (name.starts_with(set)) {
      changes.emplace_back(name.substr(set.size()), value);
    } else {
      throw std::runtime_error("unknown word of an approval: " + word);
    }
  }
  Json artifact = approver.approve(action, payload, choices);
  for (const auto& [name, value] : changes) {
    artifact = with_member(artifact, name, value.empty() ? Json(nullptr) : Json(value));
  }
  return artifact;
}

// The user that this process acts as. Only this thread runs while it is another one.
class ActingUser {
 public:
  explicit ActingUser(uid_t uid) : before_(::geteuid()) { become(uid); }
  ActingUser(const ActingUser&) = delete;
  ActingUser& operator=(const ActingUser&) = delete;
  ~ActingUser() { become(before_); }

 private:
  static void become(uid_t uid) { OPENEXEC_CHECK(::seteuid(uid) == 0); }
  const uid_t before_;
};

class Runner {
 public:
  explicit Runner(const Transcript& transcript) : transcript_(transcript), daemon_(options()) {
    for (const auto& [name, description] : transcript.approvals) {
      approvals_.emplace_back("\"$" + name + "\"", to_compact(mint(description)));
    }
    // Other users may come as far as the socket; its own mode decides there.
    std::filesystem::permissions(daemon_.dir(), std::filesystem::perms::owner_all | std::filesystem::perms::group_exec |
                                                    std::filesystem::perms::others_exec);
    socket_.emplace(daemon_.socket());
  }

  void run() {
    for (const TranscriptStep& step : transcript_.steps) {
      INFO(transcript_.name << ".txt:" << step.line << ": " << step.text.substr(0, 2000));
      switch (step.kind) {
        case TranscriptStep::Kind::send_line:
          socket_->send_line(expanded(step.text));
          break;
        case TranscriptStep::Kind::send_bytes: {
          std::string bytes = unescaped(step.text);
          expand_repeats(bytes);
          socket_->send(bytes);
          break;
        }
        case TranscriptStep::Kind::expect:
          expect(step.text);
          break;
        case TranscriptStep::Kind::command:
          command(step.text);
          break;
      }
    }
    check_quiet();
  }

 private:
  DaemonOptions options() {
    const std::string binary = transcript_.needs_faults ? openexecd_faults_path() : openexecd_path();
    DaemonOptions out = transcript_.is_clawshield ? clawshield_daemon(binary) : demo_daemon(binary);
    const auto file = config_dir_ / "openexec.toml";
    std::ofstream config(file);
    config << "log.origin = \"" << origin << "\"\n";
    for (const std::string& line : transcript_.config) {
      config << line << "\n";
    }
    REQUIRE(config.good());
    write_actions();
    out.args = {"--config", file.string()};
    out.env.push_back(effects_.env());
    return out;
  }

  void write_actions() const {
    const auto folder = config_dir_ / "actions.d";
    std::filesystem::create_directory(folder);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    for (const auto& [name, text] : transcript_.actions) {
      std::ofstream(folder / name) << text;
      std::filesystem::permissions(folder / name, std::filesystem::perms::owner_read);
    }
  }

  [[nodiscard]] std::string expanded(std::string text) const {
    for (const auto& [mark, artifact] : approvals_) {
      replace_all(text, mark, artifact);
    }
    expand_repeats(text);
    return text;
  }

  void expect(const std::string& text) {
    const Json expected = parsed(expanded(text));
    const Json reply = socket_->read_json();
    INFO("the daemon said: " << to_compact(reply).substr(0, 4000));
    REQUIRE(fits(expected, reply));
  }

  void command(const std::string& text) {
    std::istringstream words(text);
    std::string name;
    std::string argument;
    words >> name >> argument;
    if (name == "repeat") {
      std::string line;
      std::getline(words >> std::ws, line);
      for (std::int64_t i = 1; i <= number_in(argument); ++i) {
        std::string one = line;
        replace_all(one, "$I", std::to_string(i));
        socket_->send_line(expanded(one));
      }
    } else if (name == "claimed") {
      wait_until_claimed(daemon_.socket(), argument);
    } else if (name == "finish") {
      socket_->finish_sending();
    } else if (name == "end") {
      REQUIRE(socket_->at_end());
      socket_.reset();
    } else if (name == "connect") {
      socket_.emplace(daemon_.socket());
    } else if (name == "as") {
      const ActingUser other(static_cast<uid_t>(number_in(argument)));
      socket_.emplace(daemon_.socket());
    } else if (name == "kill") {
      daemon_.kill9();
      socket_.reset();
    } else if (name == "stop") {
      REQUIRE(daemon_.stop().code == 0);
    } else if (name == "start") {
      daemon_.start();
      socket_.emplace(daemon_.socket());
    } else {
      throw std::runtime_error("unknown command: " + text);
    }
  }

  // Nothing was said that the transcript does not hold.
  void check_quiet() {
    if (!socket_) {
      return;
    }
    if (!socket_->send_line(R"({"jsonrpc":"2.0","id":"end of transcript","method":"no/such/method"})")) {
      return;
    }
    const auto line = socket_->read_line();
    if (line) {
      INFO("the daemon also said: " << line->substr(0, 4000));
      REQUIRE(*parsed(*line).find("id") == Json("end of transcript"));
    }
  }

  const Transcript& transcript_;
  const TempDir config_dir_;
  const Effects effects_;
  TestDaemon daemon_;
  std::optional<AgentSocket> socket_;
  std::vector<std::pair<std::string, std::string>> approvals_;  // "\"$A\"" to artifact
};

}  // namespace

void run_transcript(const Transcript& transcript) {
  if (transcript.needs_root && ::geteuid() != 0) {
    WARN(transcript.name << " is skipped: only root can connect as somebody else");
    return;
  }
  Runner(transcript).run();
}

}  // namespace openexec::test
