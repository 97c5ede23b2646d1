// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "client/cli/daemon_call.h"
#include "client/cli/input.h"
#include "client/cli/receipt_text.h"
#include "proto-json/canonical.h"
#include "proto-json/error.h"

namespace openexec::cli {
namespace {

struct Arguments {
  std::string action;
  std::string payload;  // as typed; empty: {}
  std::string nonce;    // empty: a new one
  std::string approval;
  std::string trace_id;
  bool check = false;
  bool proof = false;
  std::string proof_file;  // implies proof
};

// A payload is shown in a suggested command line up to here; a longer one is better in a file.
constexpr std::size_t shown_payload_bytes_max = 2048;

// The payload as a word of a command line: a file as it was typed, anything else as what was sent.
std::string payload_word(const Arguments& arguments, const Json& payload) {
  if (arguments.payload.starts_with('@')) {
    return shell_word(arguments.payload);
  }
  const std::string text = to_compact(payload);
  return text.size() <= shown_payload_bytes_max ? shell_word(text) : "@PAYLOAD.json";
}

Advice advice_for(const Globals& globals, const Arguments& arguments, const Json& payload, std::string_view nonce) {
  const std::string word = payload_word(arguments, payload);
  Advice advice;
  advice.approve = fmt::format("openexec approve --action {} --payload {} --tenant TENANT --key KEY.pem",
                               shell_word(arguments.action), word);
  advice.same_again =
      fmt::format("openexec execute {} {} --nonce {}", shell_word(arguments.action), word, shell_word(nonce));
  const auto add = [&advice](std::string_view option, const std::string& value) {
    if (!value.empty()) {
      advice.same_again += fmt::format(" {} {}", option, shell_word(value));
    }
  };
  add("--approval", arguments.approval);
  add("--trace-id", arguments.trace_id);
  add("--socket", globals.socket.value_or(""));
  return advice;
}

Exit tell_unknown(const client::Failure& failure, std::string_view nonce, const Advice& advice) {
  complain(
      fmt::format("the outcome is unknown: {}", printable(failure.message)),
      fmt::format("nonce  {}\n"
                  "Ask again with the same request and the same nonce: it runs at most once, so this is safe.\n  {}",
                  printable(nonce), advice.same_again));
  return Exit::outcome_unknown;
}

// How a command's process ended, by its result; nothing of any other action's.
std::string end_text_of(const Json* result) {
  for (const bool is_signal : {false, true}) {
    const Json* number = result == nullptr ? nullptr : result->find(is_signal ? "signal" : "exit_code");
    if (number != nullptr && number->if_int() != nullptr) {
      return end_text({is_signal, static_cast<std::int32_t>(*number->if_int())});
    }
  }
  return "";
}

void show_result(const Screen& screen, const Json& result, std::string_view status, std::string_view nonce) {
  const Json* replayed_member = result.find("replayed");
  const bool* replayed = replayed_member == nullptr ? nullptr : replayed_member->if_bool();
  const bool is_replay = replayed != nullptr && *replayed;
  const bool done = status == "executed";
  const auto text = [&result](std::string_view key) {
    const std::string* found = result.find_string(key);
    return found == nullptr ? std::string("?") : printable(*found);
  };
  std::string about;
  if (is_replay) {
    const std::string* at = result.find_string("at");
    about = fmt::format("ran once, at {}; this is its stored result", at == nullptr ? "?" : moment_text(*at));
  } else if (const Json* duration = result.find("duration_us");
             duration != nullptr && duration->if_int() != nullptr && *duration->if_int() > 0) {
    const std::string end = end_text_of(result.find("result"));
    about = end.empty() ? seconds_text(*duration->if_int())
                        : fmt::format("{:<10} {}", seconds_text(*duration->if_int()), end);
  }
  const std::string action = text("action");
  screen.row(is_replay ? "replayed" : printable(status),
             about.empty() ? action : fmt::format("{:<26} {}", action, about),
             !done       ? Colour::red
             : is_replay ? Colour::yellow
                         : Colour::green);
  if (is_replay && !done) {
    screen.row("status", printable(status), Colour::red);
  }
  screen.row("id", text("id"));
  screen.row("nonce", printable(nonce));
  screen.row("entry", fmt::format("{:<26} receipt {}", entry_text(result.find("log")), shortened(text("receipt"))));
  if (const Json* value = result.find("result")) {
    screen.print(compact_text(*value) + "\n");
  }
}

// Writes or shows what --proof and --proof-file ask for. False when it was not kept.
bool keep_proof(const Screen& screen, const Arguments& arguments, const Json& result) {
  if (!arguments.proof_file.empty()) {
    if (const auto written = write_proof(result, arguments.proof_file); !written) {
      const std::string* id = result.find_string("id");
      complain(written.error(), fmt::format("It ran, and its proof was not kept. To get it:\n"
                                            "  openexec receipt show {} --proof FILE",
                                            id == nullptr ? "ID" : shell_word(*id)));
      return false;
    }
    if (screen.human()) {
      screen.row("proof", printable(arguments.proof_file));
    }
  } else if (const std::string* proof = result.find_string("proof");
             screen.human() && arguments.proof && proof != nullptr) {
    screen.print("\n");
    print_lines(screen, *proof);
  }
  return true;
}

// What an execute came to.
Exit finish(const Screen& screen, const Arguments& arguments, const Json& result, std::string_view nonce) {
  const std::string* action = result.find_string("action");
  const std::string* status = result.find_string("status");
  const bool is_ours = client::receipt_matches(result) && action != nullptr && *action == arguments.action;
  if (!screen.human()) {
    screen.document(result);
  } else if (is_ours && status != nullptr) {
    show_result(screen, result, *status, nonce);
  } else {
    screen.print(compact_text(result) + "\n");
  }
  if (!is_ours) {
    complain(
        "THE ANSWER IS NOT TO BE TRUSTED: its receipt is not the hash of its id and its result, or it is for another "
        "action",
        "Keep this answer and the daemon's store as they are, and find out who answers on that socket.");
    return Exit::refused;
  }
  const bool is_kept = keep_proof(screen, arguments, result);
  return is_kept && status != nullptr && *status == "executed" ? Exit::done : Exit::refused;
}

// What `check: true` says would happen.
Exit finish_check(const Screen& screen, const Json& result, const Advice& advice) {
  const std::string* would = result.find_string("would");
  const std::string* hash = result.find_string("action_hash");
  const std::string* canonical = result.find_string("canonical");
  const bool denied = would == nullptr || *would == "deny";
  if (!screen.human() || would == nullptr || hash == nullptr || canonical == nullptr) {
    screen.document(result);
    return denied ? Exit::refused : Exit::done;
  }
  const std::string* reason = result.find_string("reason");
  const std::string* message = result.find_string("message");
  screen.row("would",
             fmt::format("{:<26} nothing was run and nothing recorded",
                         printable(*would) + (reason == nullptr ? "" : ": " + printable(*reason))),
             denied ? Colour::red : Colour::green);
  if (message != nullptr) {
    screen.row("", printable(*message));
  }
  screen.row("to sign", printable(*hash));
  screen.row("", printable(*canonical));
  if (reason != nullptr && reason->starts_with("approval_")) {
    screen.row("", advice.approve);
  }
  return denied ? Exit::refused : Exit::done;
}

// The nonce that was chosen or a new one, which is told where it would not be seen otherwise.
std::expected<std::string, std::string> nonce_for(const Screen& screen, const Arguments& arguments) {
  if (!arguments.nonce.empty()) {
    return arguments.nonce;
  }
  auto made = random_nonce();
  if (made && !screen.human() && !arguments.check) {
    static_cast<void>(std::fprintf(stderr, "nonce %s\n", made->c_str()));
  }
  return made;
}

// All but the nonce; or a text for a person and what to do.
std::expected<std::vector<Member>, std::pair<std::string, std::string_view>> params_of(const Arguments& arguments) {
  Json payload = Json::object({});
  if (!arguments.payload.empty()) {
    auto read = read_object_argument("PAYLOAD", arguments.payload);
    if (!read) {
      return std::unexpected(
          std::pair(read.error(), "Give an object, @FILE or - for standard input. Nothing was sent."));
    }
    payload = *std::move(read);
  }
  std::vector<Member> params{{"action", arguments.action}, {"payload", std::move(payload)}};
  if (!arguments.approval.empty()) {
    auto approval = read_object_file("the approval", arguments.approval);
    if (!approval) {
      return std::unexpected(
          std::pair(approval.error(), "Give the file that openexec approve wrote. Nothing was sent."));
    }
    params.push_back({"approval_artifact", *std::move(approval)});
  }
  if (const auto free = check_is_new(arguments.proof_file); !free) {
    return std::unexpected(std::pair(free.error(), "Choose another --proof-file. Nothing was sent."));
  }
  if (!arguments.trace_id.empty()) {
    params.push_back({"trace_id", arguments.trace_id});
  }
  if (arguments.check) {
    params.push_back({"check", true});
  }
  if (arguments.proof || !arguments.proof_file.empty()) {
    params.push_back({"proof", true});
  }
  return params;
}

Exit execute(const Globals& globals, const Arguments& arguments) {
  const Screen screen(globals);
  auto members = params_of(arguments);
  if (!members) {
    complain(members.error().first, members.error().second);
    return Exit::refused;
  }
  const auto nonce = nonce_for(screen, arguments);
  if (!nonce) {
    complain(nonce.error(), "Choose one yourself, with --nonce.");
    return Exit::refused;
  }
  members->push_back({"nonce", *nonce});
  const Json params = Json::object(*std::move(members));

  const Advice advice = advice_for(globals, arguments, *params.find("payload"), *nonce);
  const auto outcome = call_daemon(globals, "execute", params);
  if (!outcome) {
    return outcome.error().outcome_unknown() && !arguments.check ? tell_unknown(outcome.error(), *nonce, advice)
                                                                 : tell_failure(globals, outcome.error());
  }
  if (const Json* error = outcome->error()) {
    return tell_error(screen, *error, advice);
  }
  return arguments.check ? finish_check(screen, *outcome->result(), advice)
                         : finish(screen, arguments, *outcome->result(), *nonce);
}

}  // namespace

Run set_up_execute(App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("ACTION", arguments->action, "what to run: openexec actions lists them").required();
  app.add_option("PAYLOAD", arguments->payload, "its input, a JSON object; @FILE or - reads it; {} when left out");
  app.add_option("--nonce", arguments->nonce, "names this execution: it runs at most once; a new one when left out");
  app.add_option("--approval", arguments->approval, "the file that openexec approve wrote; - reads it");
  app.add_option("--trace-id", arguments->trace_id, "goes into the receipt");
  const Option check = app.add_flag("--check", arguments->check, "say what would happen, and run nothing");
  app.add_flag("--proof", arguments->proof, "ask for the receipt's proof, which openexec receipt verify checks")
      .excludes(check);
  app.add_option("--proof-file", arguments->proof_file, "write the proof to this new file").excludes(check);
  app.footer(
      "Exits with 0 when it was executed, 1 when it failed or was denied, 4 when nobody can say: send it again with "
      "the\n"
      "same nonce then.\n\n"
      "Examples:\n"
      "  openexec execute echo '{\"msg\":\"hello\"}'\n"
      "  openexec execute add @numbers.json --approval add.json --json");
  return [arguments](const Globals& globals) {
    if (arguments->approval == "-" && arguments->payload == "-") {
      complain("PAYLOAD and --approval cannot both be standard input");
      return Exit::usage;
    }
    return execute(globals, *arguments);
  };
}

}  // namespace openexec::cli
