// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "client/cli/daemon_call.h"
#include "client/cli/input.h"
#include "client/cli/piped_command.h"
#include "proto-json/limits.h"
#include "proto-json/witness.h"

namespace openexec::cli {
namespace {

struct Arguments {
  std::vector<std::string> commands;
  std::vector<std::string> witnesses;
  std::string exec_timeout = "60s";
};

// How a witness is reached, and its key where that was given.
struct Way {
  std::string command;
  std::optional<NoteKey> witness;
};

// What is to be cosigned.
struct Latest {
  Note note;
  std::string text;  // of the note, as the daemon gave it
  Checkpoint checkpoint;
  std::optional<Note> cosigned;  // an earlier one, or the same
};

// How to end when something went wrong, after everything has been told.
template <typename T>
using OrExit = std::expected<T, Exit>;

std::unexpected<Exit> refuse(std::string_view what, std::string_view next) {
  complain(what, next);
  return std::unexpected(Exit::refused);
}

class Push {
 public:
  Push(const Globals& globals, std::vector<Way> ways, std::int64_t exec_timeout_ms)
      : globals_(globals), screen_(globals), ways_(std::move(ways)), exec_timeout_ms_(exec_timeout_ms) {}

  // One checkpoint for all witnesses: only so do their cosignatures stand under the same one.
  Exit run() {
    auto latest = read_latest();
    if (!latest) {
      return latest.error();
    }
    Exit exit = Exit::done;
    std::vector<NoteSignature> lines;
    std::vector<std::string> names;  // of the witnesses that these are by, where their keys are known
    for (const Way& way : ways_) {
      const auto answer = lines_of(way, *latest);
      if (!answer) {
        exit = answer.error();
        continue;
      }
      lines.insert(lines.end(), answer->begin(), answer->end());
      if (way.witness) {
        names.push_back(way.witness->name);
      }
    }
    if (lines.empty()) {
      return exit;
    }
    const Exit handed_in = hand_in(*latest, lines, names);
    return handed_in == Exit::done ? exit : handed_in;
  }

 private:
  // What a witness answers at last, checked where its key is known.
  OrExit<std::vector<NoteSignature>> lines_of(const Way& way, Latest& latest) {
    auto answer = submit(way, latest, size_it_has(way, latest));
    if (!answer) {
      return std::unexpected(answer.error());
    }
    if (const auto* conflict = std::get_if<WitnessConflict>(&*answer)) {
      if (const auto reached = reach(latest, conflict->size); !reached) {
        return std::unexpected(reached.error());
      }
      answer = submit(way, latest, conflict->size);
      if (!answer) {
        return std::unexpected(answer.error());
      }
    }
    const auto* lines = std::get_if<std::vector<NoteSignature>>(&*answer);
    if (lines == nullptr) {
      return refuse("the witness does not cosign this log",
                    "What it says of that stands above. Do not start a new witness to get around it: find out first\n"
                    "what happened to the log.");
    }
    if (way.witness) {
      const auto cosignature = cosignature_by({latest.note.text, *lines}, *way.witness);
      if (!cosignature || !*cosignature) {
        return refuse(cosignature ? fmt::format("the answer holds no cosignature by {}", way.witness->name)
                                  : printable(cosignature.error()),
                      "It is not handed in. Is --witness the key of the witness that the command reaches?");
      }
    }
    return *lines;
  }

  OrExit<Latest> read_latest() {
    const auto answer = ask(globals_, screen_, "log/checkpoint");
    if (!answer) {
      return std::unexpected(answer.error());
    }
    const std::string* text = answer->find_string("checkpoint");
    auto note = text == nullptr ? std::unexpected(std::string("it has none")) : read_note(*text);
    auto checkpoint = note ? read_checkpoint_text(note->text) : std::unexpected(note.error());
    if (!checkpoint) {
      return refuse("the daemon's checkpoint cannot be read: " + printable(checkpoint.error()), "");
    }
    Latest latest{*std::move(note), *text, *std::move(checkpoint), std::nullopt};
    if (const std::string* cosigned = answer->find_string("cosigned")) {
      if (auto earlier = read_note(*cosigned)) {
        latest.cosigned = *std::move(earlier);
      }
    }
    return latest;
  }

  // What the witness has of this log, as far as it can be known here: what it cosigned last, or, where its key was not
  // given, what any did. It corrects what is wrong.
  static std::uint64_t size_it_has(const Way& way, const Latest& latest) {
    const auto checkpoint =
        latest.cosigned ? read_checkpoint_text(latest.cosigned->text) : std::unexpected(std::string());
    if (!checkpoint || checkpoint->size > latest.checkpoint.size) {
      return 0;
    }
    const auto cosignature =
        way.witness ? cosignature_by(*latest.cosigned, *way.witness) : std::optional<Cosignature>();
    return !way.witness || (cosignature && *cosignature) ? checkpoint->size : 0;
  }

  OrExit<WitnessAnswer> submit(const Way& way, const Latest& latest, std::uint64_t old_size) {
    auto hashes = ask_consistency(globals_, screen_, old_size, latest.checkpoint.size);
    if (!hashes) {
      return std::unexpected(hashes.error());
    }
    const std::string body = to_text(Submission{old_size, *std::move(hashes), latest.text});
    const auto answer = run_piped(way.command, body, limits::note_bytes_max, exec_timeout_ms_);
    if (!answer) {
      return refuse(printable(answer.error()), "Nothing was cosigned.");
    }
    auto read = read_witness_answer(answer->out);
    const bool is_conflict = read && std::holds_alternative<WitnessConflict>(*read);
    if (answer->code != 0 && !is_conflict) {
      return refuse(failure_text(way.command, answer->code),
                    "Nothing was cosigned. What it said of that stands above.");
    }
    if (!read) {
      return refuse("the command's answer is no witness's: " + printable(read.error()),
                    "It must hand its input to openexec witness cosign, and answer with its output and nothing else.");
    }
    return *std::move(read);
  }

  static std::string failure_text(const std::string& command, int code) {
    switch (code) {
      case 126:
        return fmt::format("the command cannot be run: {}", printable(command));
      case 127:
        return fmt::format("the command was not found: {}", printable(command));
      case 255:
        return fmt::format("the command failed with 255, as ssh does when it cannot connect: {}", printable(command));
      default:
        return code > 128 ? fmt::format("the command was killed by signal {}: {}", code - 128, printable(command))
                          : fmt::format("the command failed with {}: {}", code, printable(command));
    }
  }

  // When the witness has seen more: was it somebody else who pushed meanwhile, or is something missing here? A newer
  // checkpoint is only taken while no other witness has answered for this one.
  OrExit<void> reach(Latest& latest, std::uint64_t size) {
    if (latest.checkpoint.size >= size) {
      return {};
    }
    auto newer = read_latest();
    if (!newer) {
      return std::unexpected(newer.error());
    }
    if (newer->checkpoint.size >= size && ways_.size() == 1) {
      latest = *std::move(newer);
      return {};
    }
    if (newer->checkpoint.size >= size) {
      return refuse("somebody else pushed a newer checkpoint to this witness meanwhile", "Push again.");
    }
    return refuse(fmt::format("this log was rolled back: the witness has seen {} entries, the log has {}",
                              with_separators(size), with_separators(newer->checkpoint.size)),
                  "The store was put back from a backup or a copy, or the witness knows another log by the same name.\n"
                  "Nonces and approvals of the missing entries are not known here, so what they ran could run again:\n"
                  "stop the daemon, then find the newer store, or begin a new log with openexec store adopt.");
  }

  Exit hand_in(const Latest& latest, const std::vector<NoteSignature>& lines, const std::vector<std::string>& wanted) {
    std::string text;
    for (const NoteSignature& line : lines) {
      text += to_signature_line(line);
    }
    const auto answer =
        ask(globals_, screen_, "log/cosigned", Json::object({{"checkpoint", latest.text}, {"cosignatures", text}}));
    if (!answer) {
      return answer.error();
    }
    std::vector<std::string> kept;
    const Json* member = answer->find("witnesses");
    const Json::Array* witnesses = member == nullptr ? nullptr : member->if_array();
    for (const Json& name : witnesses == nullptr ? Json::Array() : *witnesses) {
      kept.push_back(name.if_string() == nullptr ? "?" : *name.if_string());
    }
    show_kept(*answer, latest, kept);
    Exit exit = Exit::done;
    for (const std::string& name : wanted) {
      if (std::ranges::find(kept, name) == kept.end()) {
        complain(
            fmt::format("the daemon does not keep {}'s cosignatures: add its key to [log] witnesses", printable(name)),
            "Until then no proof has them.");
        exit = Exit::refused;
      }
    }
    return exit;
  }

  void show_kept(const Json& answer, const Latest& latest, const std::vector<std::string>& kept) const {
    if (!screen_.human()) {
      return screen_.document(answer);
    }
    std::string names;
    for (const std::string& name : kept) {
      names += (names.empty() ? "" : ", ") + printable(name);
    }
    screen_.row("cosigned",
                fmt::format("{} entries of {}, by {}", with_separators(latest.checkpoint.size),
                            printable(latest.checkpoint.origin), names),
                Colour::green);
  }

  const Globals& globals_;
  const Screen screen_;
  const std::vector<Way> ways_;
  const std::int64_t exec_timeout_ms_;
};

std::expected<std::vector<Way>, std::string> read_ways(const Arguments& arguments) {
  if (!arguments.witnesses.empty() && arguments.witnesses.size() != arguments.commands.size()) {
    return std::unexpected(std::string("there must be one --witness for each --exec, in the same order, or none"));
  }
  std::vector<Way> ways;
  for (std::size_t i = 0; i < arguments.commands.size(); ++i) {
    Way way{arguments.commands[i], std::nullopt};
    if (!arguments.witnesses.empty()) {
      auto key = read_vkey_argument("--witness", arguments.witnesses[i], NoteKeyType::cosignature);
      if (!key) {
        return std::unexpected(key.error());
      }
      way.witness = *std::move(key);
    }
    ways.push_back(std::move(way));
  }
  return ways;
}

}  // namespace

Run set_up_log_push(App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option(
         "--exec", arguments->commands,
         "the shell command that reaches a witness: it gets the submission on its standard input and answers on "
         "its standard output; may be given again, for another witness")
      .required();
  app.add_option("--witness", arguments->witnesses,
                 "the verifier key of that witness, or @FILE: its answer is checked; one for each --exec, or none");
  app.add_option("--exec-timeout", arguments->exec_timeout, "how long each command may take").shows_default();
  app.footer(
      "The daemon connects to nothing: this carries its checkpoint to witnesses, and their cosignatures back. The\n"
      "daemon keeps those of its [log] witnesses and puts them into every proof. Run it from a timer. Where a quorum\n"
      "is wanted, name all witnesses in one call: they then cosign the same checkpoint.\n\n"
      "Example:\n"
      "  openexec log push --exec 'ssh audit.example openexec witness cosign' --witness @audit.vkey");
  return [arguments](const Globals& globals) {
    const auto timeout_ms = parse_duration_ms(arguments->exec_timeout);
    const auto ways = read_ways(*arguments);
    if (!timeout_ms || !ways) {
      complain(!ways ? ways.error() : "--exec-timeout is a whole number and a unit, at most 366 days: 500ms, 30s, 5m",
               "openexec log push --help has an example.");
      return Exit::usage;
    }
    return Push(globals, *ways, *timeout_ms).run();
  };
}

}  // namespace openexec::cli
