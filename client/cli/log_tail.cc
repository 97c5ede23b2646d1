// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "client/cli/daemon_call.h"
#include "client/cli/receipt_text.h"
#include "proto-json/canonical.h"

namespace openexec::cli {
namespace {

using client::Client;
using client::Failure;

struct Arguments {
  std::optional<std::uint64_t> from;
  std::uint64_t last = 10;
  bool no_follow = false;
};

constexpr std::chrono::milliseconds poll_interval{250};

// Enough of a nonce to find it again by eye; no character of it is cut in two.
std::string nonce_text(std::string_view nonce) {
  constexpr std::size_t whole_max = 12;
  std::size_t shown = 8;
  if (nonce.size() <= whole_max) {
    return printable(nonce);
  }
  while (shown > 0 && (static_cast<unsigned char>(nonce[shown]) & 0xc0U) == 0x80U) {
    --shown;
  }
  return printable(nonce.substr(0, shown)) + "\u2026";
}

std::string detail_of(const Receipt& receipt) {
  if (receipt.reason) {
    return std::string(info(*receipt.reason).name);
  }
  std::string out = fmt::format("nonce {:<14}", nonce_text(receipt.nonce));
  std::string by;
  for (const std::string& approver : receipt.approval ? receipt.approval->approvers : std::vector<std::string>()) {
    by += (by.empty() ? "by " : ", ") + printable(approver);
  }
  out += fmt::format("{:<12}", by);
  if (receipt.duration_us && *receipt.duration_us > 0) {
    out += " " + seconds_text(*receipt.duration_us);
  }
  if (receipt.exit && *receipt.exit != ProcessEnd{}) {
    out += "   " + end_text(*receipt.exit);
  }
  return out;
}

// Prints entries as they come.
class Lines {
 public:
  explicit Lines(const Screen& screen) : screen_(screen) {}

  void print(std::uint64_t index, const Json& entry) {
    if (!screen_.human()) {
      screen_.document(Json::object({{"index", static_cast<std::int64_t>(index)}, {"receipt", entry}}));
      return;
    }
    const auto leaf = entry.is_null() ? std::unexpected(std::string()) : read_leaf(to_jcs(entry));
    if (!leaf) {
      const std::string text = entry.is_null() ? "another user's, not shown" : compact_text(entry);
      screen_.print(fmt::format("{:<14}{}   #{}\n", "", text, index));
      return;
    }
    const std::string at = to_text(time_of(*leaf));  // 2026-11-21T14:08:13.204000Z
    if (std::exchange(day_, at.substr(0, 10)) != at.substr(0, 10)) {
      screen_.print(fmt::format("{} UTC\n", day_));
    }
    screen_.print(fmt::format("{}  ", at.substr(11, 12)));
    const Receipt* receipt = std::get_if<Receipt>(&*leaf);
    screen_.print(fmt::format("{:<10} ", kind_name(*leaf)),
                  receipt == nullptr ? Colour::plain : colour_of(receipt->kind));
    screen_.print(receipt == nullptr ? fmt::format("{:<70}", subject_text(*leaf))
                                     : fmt::format("{:<17} {:<10} {:<41}", printable(receipt->action),
                                                   fmt::format("uid {}", receipt->peer.uid), detail_of(*receipt)));
    screen_.print(fmt::format(" #{}\n", index));
  }

 private:
  const Screen& screen_;
  std::string day_;  // of the line before
};

struct Page {
  Json::Array entries;
  std::uint64_t size = 0;  // of the log
};

std::optional<Page> read_page(const Json& answer) {
  const Json* entries = answer.find("entries");
  const Json* size = answer.find("size");
  if (entries == nullptr || entries->if_array() == nullptr || size == nullptr || size->if_int() == nullptr ||
      *size->if_int() < 0) {
    return std::nullopt;
  }
  return Page{*entries->if_array(), static_cast<std::uint64_t>(*size->if_int())};
}

// Asks for entries over one connection, and over a new one when a daemon that has answered before went away.
class Source {
 public:
  Source(const Globals& globals, const Screen& screen, bool may_wait)
      : globals_(globals), screen_(screen), may_wait_(may_wait) {}

  // A page that begins there; or how to end, after everything has been told.
  std::expected<Page, Exit> page(std::uint64_t start, std::optional<std::int64_t> limit) {
    std::vector<Member> params{{"start", static_cast<std::int64_t>(start)}};
    if (limit) {
      params.push_back({"limit", *limit});
    }
    const Json json = Json::object(std::move(params));
    while (true) {
      const auto outcome = call(json);
      if (!outcome) {
        const bool went_away =
            outcome.error().kind == Failure::Kind::unreachable || outcome.error().kind == Failure::Kind::lost;
        if (!went_away || !may_wait_ || !has_answered_) {
          return std::unexpected(tell_failure(globals_, outcome.error()));
        }
        wait_for_daemon(outcome.error());
        continue;
      }
      is_waiting_ = false;
      has_answered_ = true;
      if (const Json* error = outcome->error()) {
        return std::unexpected(tell_error(screen_, *error, {}));
      }
      auto read = read_page(*outcome->result());
      if (!read) {
        complain("the daemon's answer to log/entries is none", "openexec version tells which release it is.");
        return std::unexpected(Exit::refused);
      }
      return *std::move(read);
    }
  }

 private:
  std::expected<client::Outcome, Failure> call(const Json& params) {
    if (!daemon_) {
      auto connected = connect_daemon(globals_);
      if (!connected) {
        return std::unexpected(connected.error());
      }
      daemon_.emplace(*std::move(connected));
    }
    auto outcome = daemon_->call("log/entries", params, globals_.timeout_ms);
    if (!outcome) {
      daemon_.reset();
    }
    return outcome;
  }

  void wait_for_daemon(const Failure& failure) {
    if (!std::exchange(is_waiting_, true)) {
      complain(fmt::format("the daemon went away: {}", printable(failure.message)), "Waiting for it to come back.");
    }
    std::this_thread::sleep_for(poll_interval);
  }

  const Globals& globals_;
  const Screen& screen_;
  const bool may_wait_;
  std::optional<Client> daemon_;
  bool has_answered_ = false;
  bool is_waiting_ = false;  // and has said so
};

Exit tail(const Globals& globals, const Arguments& arguments) {
  const Screen screen(globals);
  Source source(globals, screen, !arguments.no_follow);
  const auto first = source.page(0, 1);
  if (!first) {
    return first.error();
  }
  std::uint64_t next = arguments.from.value_or(first->size - std::min(first->size, arguments.last));
  if (next > first->size) {
    complain(fmt::format("--from {} is past the log's end: it has {} entries", next, first->size));
    return Exit::refused;
  }
  Lines lines(screen);
  while (!arguments.no_follow || next < first->size) {
    const auto page = source.page(next, std::nullopt);
    if (!page) {
      return page.error();
    }
    if (page->size < next) {
      complain(fmt::format("the log has {} entries now and had {}: it was rolled back, or this is another one",
                           page->size, next),
               "Keep both: openexec log push shows it to the witness, who refuses it and says what to do.");
      return Exit::refused;
    }
    for (const Json& entry : page->entries) {
      lines.print(next++, entry);
    }
    if (std::fflush(stdout) != 0) {
      return Exit::done;  // main() says that standard output could not be written
    }
    if (page->entries.empty()) {
      if (arguments.no_follow) {
        break;
      }
      std::this_thread::sleep_for(poll_interval);
    }
  }
  return Exit::done;
}

}  // namespace

Run set_up_log_tail(App& app) {
  const auto arguments = std::make_shared<Arguments>();
  const Option from = app.add_option("--from", arguments->from, "begin with the entry at this place in the log");
  app.add_option("-n,--last", arguments->last, "begin with this many of the latest entries")
      .shows_default()
      .excludes(from);
  app.add_flag("--no-follow", arguments->no_follow, "end at the log's end, do not wait for more");
  app.footer(
      "Piped or with --json, each entry is one line: {\"index\", \"receipt\"}. An entry that you may not read is "
      "null:\n"
      "all are for root, the daemon's own user and [log] reader_uids.\n\n"
      "Example:\n  openexec log tail --no-follow -n 3");
  return [arguments](const Globals& globals) { return tail(globals, *arguments); };
}

}  // namespace openexec::cli
