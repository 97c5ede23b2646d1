// SPDX-License-Identifier: Apache-2.0
// openexec-store: what reads or changes a store for `openexec`, in a process of its own, so that a store which is
// damaged so badly that its reader crashes takes only this process with it. Answers in lines of JSON on standard
// output:
//
//   {"progress": rows, "of": rows, "table": name}     any number
//   {"result": {…}} or {"error": text}                 one, the last
//
// Exit codes: 0 done, 1 refused, failed or not as it should be, 2 wrong usage.
#include "daemon/store_tool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <utility>

#include "daemon/adoption.h"
#include "daemon/backup.h"
#include "daemon/core/claims.h"
#include "daemon/core/high_water.h"
#include "daemon/core/receipt_log.h"
#include "daemon/core/store_check.h"
#include "daemon/io/high_water_file.h"
#include "daemon/io/small_file.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/system_error.h"
#include "daemon/io/unique_fd.h"
#include "proto-json/canonical.h"
#include "proto-json/crypto.h"

namespace openexec {
namespace {

constexpr int exit_done = 0;
constexpr int exit_refused = 1;
constexpr int exit_usage = 2;

struct Arguments {
  std::string command;
  std::string dir;
  std::optional<std::string> out;  // backup
  std::optional<std::string> high_water;
  std::optional<std::string> key_file;
  LogTrust trust;
};

void print_line(const Json& json) {
  std::puts(to_compact(json).c_str());
  std::fflush(stdout);
}

int answer_error(const std::string& error) {
  print_line(Json::object({{"error", error}}));
  return exit_refused;
}

Json number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

// --- arguments, as `openexec` gives them ---

bool take_option(Arguments& arguments, std::string_view name, const std::string& value) {
  if (name == "--high-water") {
    arguments.high_water = value;
  } else if (name == "--log-key-file") {
    arguments.key_file = value;
  } else if (name == "--out") {
    arguments.out = value;
  } else if (name == "--log-key") {
    auto key = read_vkey(value);
    arguments.trust.log = key ? std::optional(*std::move(key)) : std::nullopt;
    return arguments.trust.log.has_value();
  } else if (name == "--witness") {
    auto key = read_vkey(value);
    if (!key) {
      return false;
    }
    arguments.trust.witnesses.push_back(*std::move(key));
  } else if (name == "--quorum") {
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), arguments.trust.quorum.emplace());
    return error == std::errc() && end == value.data() + value.size();
  } else {
    return false;
  }
  return true;
}

std::optional<Arguments> read_arguments(const std::vector<std::string>& words) {
  if (words.size() < 2 || words.size() % 2 != 0) {
    return std::nullopt;
  }
  Arguments arguments;
  arguments.command = words[0];
  arguments.dir = words[1];
  for (std::size_t i = 2; i < words.size(); i += 2) {
    if (!take_option(arguments, words[i], words[i + 1])) {
      return std::nullopt;
    }
  }
  return arguments;
}

std::string high_water_path(const Arguments& arguments) {
  return arguments.high_water.value_or(HighWaterFile::path_beside(arguments.dir));
}

// The mark of a store, which is not there where the store is a copy; an error when it cannot be read.
std::expected<std::optional<Checkpoint>, std::string> read_mark(const Arguments& arguments) {
  const std::string path = high_water_path(arguments);
  struct stat facts{};
  if (!arguments.high_water && stat(path.c_str(), &facts) != 0) {
    return std::nullopt;
  }
  const auto text = read_small_file(path, limits::high_water_bytes_max);
  if (!text.has_value()) {
    return std::unexpected(fmt::format("cannot read the high-water file {}: {}", path, text.error()));
  }
  if (text->empty()) {
    return std::nullopt;
  }
  auto mark = read_high_water_text(*text);
  return mark ? std::expected<std::optional<Checkpoint>, std::string>(std::move(mark))
              : std::unexpected(fmt::format("the high-water file {} is damaged", path));
}

// Root reads and changes a store as the user that owns it: files that it makes there are then that user's, too, and a
// damaged store meets no privilege. The error is one line.
std::expected<void, std::string> become_owner(const std::string& dir) {
  struct stat facts{};
  if (geteuid() != 0 || stat(dir.c_str(), &facts) != 0 || facts.st_uid == 0) {
    return {};
  }
  if (setgroups(0, nullptr) != 0 || setgid(facts.st_gid) != 0 || setuid(facts.st_uid) != 0) {
    return std::unexpected(fmt::format("cannot become the user that owns {}: {}", dir, system_message(errno)));
  }
  return {};
}

// --- commands ---

int check(const Arguments& arguments) {
  const auto mark = read_mark(arguments);  // first: the store may go on meanwhile, and the mark must not be ahead of it
  const auto store = Store::open_to_read(arguments.dir);
  if (!store.has_value()) {
    return answer_error(store.error());
  }
  auto report =
      check_store(**store, {arguments.trust, mark.value_or(std::nullopt)},
                  [](std::string_view table, std::uint64_t done, std::uint64_t of) {
                    print_line(Json::object({{"progress", number(done)}, {"of", number(of)}, {"table", table}}));
                  });
  if (!mark.has_value()) {
    report.findings.add(LogPart::high_water, [&] { return mark.error(); });
  }
  print_line(Json::object({{"result", to_json(report)}}));
  return report.ok() ? exit_done : exit_refused;
}

// What a stored note signs; null when there is none, or none that can be read.
Json size_signed(const std::optional<std::string>& note) {
  const auto read = note ? read_note(*note) : std::unexpected(std::string());
  const auto checkpoint = read ? read_checkpoint_text(read->text) : std::unexpected(std::string());
  return checkpoint ? number(checkpoint->size) : Json();
}

StoreResult<Json> describe(const Store& store, const ReadTxn& txn, const std::optional<Checkpoint>& mark) {
  std::vector<Member> out = {{"dir", store.options().dir},
                             {"origin", store.origin()},
                             {"epoch", number(store.epoch())},
                             {"mode", to_text(store.options().mode)},
                             {"tenant_id", or_null(store.options().tenant_id)},
                             {"used_bytes", number(store.used_bytes())},
                             {"map_size_bytes", number(store.map_size_bytes())},
                             {"high_water", mark ? number(mark->size) : Json()}};
  for (const auto& [name, table] : {std::pair{"claims", Table::claims}, std::pair{"running", Table::open},
                                    std::pair{"approvals", Table::presented}}) {
    const auto count = txn.count(table);
    if (!count) {
      return std::unexpected(count.error());
    }
    out.push_back({name, number(*count)});
  }
  const auto size = log_size(txn);
  const auto key = size ? log_key(txn) : std::unexpected(size.error());
  const auto floor = key ? approvals_floor(txn) : std::unexpected(key.error());
  if (!floor) {
    return std::unexpected(floor.error());
  }
  out.push_back({"entries", number(*size)});
  out.push_back({"log_key", or_null(*key)});
  out.push_back({"approvals_from", *floor ? Json(to_text(**floor)) : Json()});
  const auto latest = latest_checkpoint(txn);
  const auto cosigned = cosigned_checkpoint(txn);
  out.push_back({"checkpoint", size_signed(latest ? std::optional(*latest) : std::nullopt)});
  out.push_back({"cosigned", size_signed(cosigned ? *cosigned : std::nullopt)});
  return Json::object(std::move(out));
}

int tell(const Arguments& arguments) {
  const auto mark = read_mark(arguments);
  const auto store = Store::open_to_read(arguments.dir);
  if (!store.has_value()) {
    return answer_error(store.error());
  }
  const auto txn = (*store)->read();
  auto facts = txn ? describe(**store, *txn, mark.value_or(std::nullopt)) : std::unexpected(txn.error());
  if (!facts) {
    return answer_error(facts.error().message);
  }
  print_line(Json::object({{"result", *std::move(facts)}}));
  return exit_done;
}

// Reads the store as its owner, in a child that never gets its rights back, and tells what was copied on `result`.
[[noreturn]] void copy_as_owner(const std::string& dir, int fd, int result) {
  const auto owner = become_owner(dir);
  const auto done = owner.has_value() ? copy_store(dir, fd) : std::unexpected(owner.error());
  Json line;
  if (done.has_value()) {
    line = Json::object({{"origin", done->origin}, {"entries", number(done->entries)}, {"bytes", number(done->bytes)}});
  } else {
    line = Json::object({{"error", done.error()}});
  }
  const std::string text = to_compact(line);
  const bool told = write(result, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  _exit(told && done.has_value() ? exit_done : exit_refused);
}

// Everything that comes until the other end is closed, up to a bound that no answer reaches.
std::string read_answer(int fd) {
  std::string out(limits::line_bytes_max, '\0');
  std::size_t size = 0;
  ssize_t count = 0;
  while (size < out.size() && ((count = read(fd, out.data() + size, out.size() - size)) > 0 || errno == EINTR)) {
    size += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  out.resize(size);
  return out;
}

int backup(const Arguments& arguments) {
  struct stat facts{};
  if (stat(arguments.dir.c_str(), &facts) != 0) {
    return answer_error(fmt::format("cannot open the store {}: {}", arguments.dir, system_message(errno)));
  }
  auto folder = BackupFolder::make(*arguments.out, geteuid() == 0 ? facts.st_uid : geteuid());
  if (!folder.has_value()) {
    return answer_error(folder.error());
  }
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return answer_error(system_message(errno));
  }
  const UniqueFd from_child(ends[0]);
  UniqueFd to_parent(ends[1]);
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    copy_as_owner(arguments.dir, folder->fd(), to_parent.get());
  }
  to_parent.reset();
  const std::string answer = read_answer(from_child.get());
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || WIFSIGNALED(status)) {
    return answer_error(fmt::format("the store {} is damaged: its reader crashed", arguments.dir));
  }
  const auto told = parse_json(answer);
  if (!told || WEXITSTATUS(status) != exit_done) {
    const std::string* error = told ? told->find_string("error") : nullptr;
    if (error != nullptr) {
      return answer_error(*error);
    }
    return answer_error("the copy was not made");
  }
  if (const auto kept = folder->keep(); !kept.has_value()) {
    return answer_error(kept.error());
  }
  std::vector<Member> result = *told->if_object();
  result.push_back({"dir", *arguments.out});
  print_line(Json::object({{"result", Json::object(std::move(result))}}));
  return exit_done;
}

int adopt_with_files(const Arguments& arguments) {
  const SystemClock clock;
  const auto adopted = adopt_store({arguments.dir, high_water_path(arguments), arguments.key_file}, clock);
  if (!adopted.has_value()) {
    return answer_error(adopted.error());
  }
  const Adoption& adoption = adopted->adoption;
  print_line(Json::object({{"result", Json::object({{"epoch", number(adoption.epoch)},
                                                    {"origin", adoption.log.origin},
                                                    {"entries", number(adoption.log.size)},
                                                    {"log_key", adopted->log_key},
                                                    {"old_key", or_null(adopted->old_key)},
                                                    {"approvals_from", to_text(adoption.approvals_floor)},
                                                    {"was_begun", adopted->was_begun}})}}));
  return exit_done;
}

int run(const Arguments& arguments) {
  if (arguments.command == "backup" && arguments.out) {
    return backup(arguments);  // its folder belongs to who asks for it
  }
  if (const auto owner = become_owner(arguments.dir); !owner.has_value()) {
    return answer_error(owner.error());
  }
  if (arguments.command == "check") {
    return check(arguments);
  }
  if (arguments.command == "stat") {
    return tell(arguments);
  }
  return arguments.command == "adopt" ? adopt_with_files(arguments) : exit_usage;
}

}  // namespace

int run_store_tool(const std::vector<std::string>& words) {
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);  // a crash on a damaged store is expected, and its image would hold results
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // whoever waits for the answer is gone: no reader is left behind
  umask(077);
  std::signal(SIGPIPE, SIG_DFL);
  init_crypto();
  const auto arguments = read_arguments(words);
  const int exit = arguments ? run(*arguments) : exit_usage;
  if (exit == exit_usage) {
    fmt::print(stderr, "openexec-store is a part of openexec: see  openexec store --help\n");
  }
  return exit;
}

}  // namespace openexec
