// SPDX-License-Identifier: Apache-2.0
#include "client/cli/daemon_call.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "client/cli/input.h"
#include "proto-json/error.h"
#include "proto-json/limits.h"
#include "proto-json/socket_path.h"
#include "proto-json/text_lines.h"

namespace openexec::cli {
namespace {

using client::Client;
using client::Failure;
using client::Outcome;

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

SocketPathFacts facts_of(const Globals& globals) {
  return {.flag = globals.socket,
          .env_socket = environment("OPENEXEC_SOCKET"),
          .xdg_runtime_dir = environment("XDG_RUNTIME_DIR"),
          .is_root = ::geteuid() == 0,
          .system_socket_exists = ::access(std::string(system_socket_path).c_str(), F_OK) == 0,
          .uid = ::geteuid()};
}

// In /tmp anybody may have made the directory that is ours by rule; a daemon there would be somebody else's. Why it
// cannot be trusted; nothing when it can, and when the path is not by that rule.
std::optional<std::string> why_untrusted(const Globals& globals, const std::string& path) {
  SocketPathFacts facts = facts_of(globals);
  facts.flag.reset();
  facts.env_socket.reset();
  facts.xdg_runtime_dir.reset();
  facts.is_root = false;
  facts.system_socket_exists = false;
  if (path != default_socket_path(facts)) {
    return std::nullopt;
  }
  const std::string dir = path.substr(0, path.rfind('/'));
  struct stat found{};
  if (::lstat(dir.c_str(), &found) != 0) {
    return std::nullopt;  // connect() says why
  }
  if (!S_ISDIR(found.st_mode) || found.st_uid != facts.uid || (found.st_mode & 077U) != 0) {
    return dir + " is not a directory that you alone can use: another user may have made it";
  }
  return std::nullopt;
}

// How an error is told: the word it begins with, its colour, and what to do next.
struct Telling {
  std::string_view word;
  Colour colour = Colour::red;
  std::string next;
};

// A sentence and, on a line of its own, the command it speaks of; without the command, the sentence alone.
std::string after(std::string_view sentence, const std::string& command) {
  return command.empty() ? std::string(sentence) : fmt::format("{}\n  {}", sentence, command);
}

Telling telling_of(Reason reason, const Advice& advice) {
  switch (reason) {
    case Reason::parse_error:
    case Reason::invalid_request:
    case Reason::invalid_params:
      return {"invalid", Colour::red, ""};
    case Reason::method_not_found:
      return {"invalid", Colour::red, "openexec version tells which release the daemon is."};
    case Reason::unknown_action:
    case Reason::action_not_allowed:
      return {"denied", Colour::red, "openexec actions lists what is there; openexec health says what is allowed."};
    case Reason::payload_invalid:
      return {"denied", Colour::red, "openexec actions --json shows the schema of each action's payload."};
    case Reason::approval_required:
      return {"denied", Colour::red, after("Ask the approver to sign this one:", advice.approve)};
    case Reason::approval_mismatch:
    case Reason::approval_expired:
    case Reason::approval_used:
    case Reason::approval_malformed:
      return {"denied", Colour::red, advice.approve};
    case Reason::approval_not_yet_valid:
      return {"denied", Colour::red,
              after("The clocks of approver and daemon differ. Set them right, or wait and send it again:",
                    advice.same_again)};
    case Reason::approval_signature_invalid:
      return {"denied", Colour::red,
              "Was it changed, or signed with a key that the daemon was not given (CLAWSHIELD_PUBLIC_KEY)?"};
    case Reason::approval_tenant_mismatch:
      return {"denied", Colour::red,
              after("openexec health names the daemon's tenant. Ask the approver to sign for it:", advice.approve)};
    case Reason::peer_not_allowed:
      return {"denied", Colour::red, "Ask the daemon's operator to let this user in."};
    case Reason::receipt_not_found:
      return {"not found", Colour::red, ""};
    case Reason::outcome_unknown:
      return {
          "unknown", Colour::red,
          "It may have run and it may not, and it will not run again by itself. Look at what it acts on before you\n"
          "send it with a new nonce."};
    case Reason::nonce_reused:
      return {"denied", Colour::red, "Without --nonce a new one is made."};
    case Reason::internal:
      return {"failed", Colour::red, after("This is a fault of the daemon: see its log.", advice.same_again)};
    case Reason::overloaded:
    case Reason::rate_limited:
    case Reason::halted:
    case Reason::store_unavailable:
    case Reason::shutting_down:
      return {"not now", Colour::yellow,
              after("Nothing was run. It is safe to send it again later:", advice.same_again)};
  }
  std::unreachable();
}

}  // namespace

std::string socket_path(const Globals& globals) { return default_socket_path(facts_of(globals)); }

std::expected<Client, Failure> connect_daemon(const Globals& globals) {
  const std::string path = socket_path(globals);
  if (const auto why = why_untrusted(globals, path)) {
    return std::unexpected(Failure{Failure::Kind::unreachable, *why});
  }
  return Client::connect(path, globals.timeout_ms);
}

std::expected<Outcome, Failure> call_daemon(const Globals& globals, std::string_view method, const Json& params) {
  using std::chrono::steady_clock;
  const auto begun = steady_clock::now();
  auto daemon = connect_daemon(globals);
  if (!daemon) {
    return std::unexpected(daemon.error());
  }
  if (globals.timeout_ms == client::no_timeout) {
    return daemon->call(method, params);
  }
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begun).count();
  return daemon->call(method, params, std::max<std::int64_t>(globals.timeout_ms - spent, 1));
}

Exit tell_failure(const Globals& globals, const Failure& failure) {
  const std::string path = socket_path(globals);
  if (const auto why = why_untrusted(globals, path)) {
    complain(*why, "Take that directory away, or name the daemon's socket with --socket or OPENEXEC_SOCKET.");
  } else if (failure.outcome_unknown()) {
    complain(fmt::format("no answer from the daemon at {}: {}", printable(path), printable(failure.message)),
             "The request changes nothing, so it is safe to send it again.");
  } else if (::access(path.c_str(), W_OK) != 0 && errno == EACCES) {
    complain(fmt::format("cannot connect to {}: {}", printable(path), printable(failure.message)),
             "Ask its operator to let this user in: the socket's mode and group decide who may connect.");
  } else {
    complain(fmt::format("no daemon answers at {}: {}", printable(path), printable(failure.message)),
             fmt::format("Start one:  openexecd --socket {}\n"
                         "Or name the socket of one that runs, with --socket or OPENEXEC_SOCKET.",
                         shell_word(path)));
  }
  return Exit::unreachable;
}

std::expected<void, std::string> write_proof(const Json& answer, const std::string& path) {
  const std::string* proof = answer.find_string("proof");
  if (proof == nullptr) {
    return std::unexpected(std::string("the daemon gave no proof: it may be of an older release"));
  }
  return write_new_file(path, *proof, Access::everybody);
}

std::string entry_text(const Json* position) {
  const Json* index = position == nullptr ? nullptr : position->find("index");
  const std::string* origin = position == nullptr ? nullptr : position->find_string("origin");
  if (index == nullptr || index->if_int() == nullptr || origin == nullptr) {
    return {};
  }
  return fmt::format("{} of {}", *index->if_int(), printable(*origin));
}

Exit tell_error(const Screen& screen, const Json& error, const Advice& advice) {
  const Json* data = error.find("data");
  const std::string* name = data == nullptr ? nullptr : data->find_string("reason");
  const std::optional<Reason> reason = name == nullptr ? std::nullopt : reason_named(*name);
  const Exit exit = reason == Reason::outcome_unknown ? Exit::outcome_unknown : Exit::refused;
  if (!screen.human()) {
    screen.document(error);
    return exit;
  }
  const Telling telling = reason ? telling_of(*reason, advice) : Telling{"refused", Colour::red, ""};
  const std::string* message = error.find_string("message");
  screen.row(telling.word, name == nullptr ? "" : printable(*name), telling.colour);
  screen.row("", message == nullptr ? "" : printable(*message));
  if (const std::string entry = entry_text(data == nullptr ? nullptr : data->find("receipt")); !entry.empty()) {
    screen.row("", "entry " + entry);
  }
  for (std::string_view next = telling.next; !next.empty();) {
    const std::size_t end = std::min(next.find('\n'), next.size());
    screen.row("", next.substr(0, end));
    next.remove_prefix(std::min(end + 1, next.size()));
  }
  return exit;
}

std::expected<Json, Exit> ask(const Globals& globals, const Screen& screen, std::string_view method,
                              const Json& params) {
  const auto outcome = call_daemon(globals, method, params);
  if (!outcome) {
    return std::unexpected(tell_failure(globals, outcome.error()));
  }
  if (const Json* error = outcome->error()) {
    return std::unexpected(tell_error(screen, *error, {}));
  }
  return *outcome->result();
}

std::expected<std::vector<Hash>, Exit> ask_consistency(const Globals& globals, const Screen& screen, std::uint64_t from,
                                                       std::uint64_t to) {
  if (from == 0 || from == to) {
    return std::vector<Hash>();
  }
  const auto answer =
      ask(globals, screen, "log/consistency",
          Json::object({{"from", static_cast<std::int64_t>(from)}, {"to", static_cast<std::int64_t>(to)}}));
  if (!answer) {
    return std::unexpected(answer.error());
  }
  const Json* member = answer->find("hashes");
  const Json::Array* texts = member == nullptr ? nullptr : member->if_array();
  std::vector<Hash> hashes;
  for (const Json& text : texts == nullptr ? Json::Array() : *texts) {
    const auto hash = text.if_string() == nullptr ? std::nullopt : read_base64_hash(*text.if_string());
    if (!hash || hashes.size() == limits::proof_hashes_max) {
      complain("the daemon's answer to log/consistency is no proof", "openexec version tells which release it is.");
      return std::unexpected(Exit::refused);
    }
    hashes.push_back(*hash);
  }
  return hashes;
}

}  // namespace openexec::cli
