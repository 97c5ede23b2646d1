// SPDX-License-Identifier: Apache-2.0
#include "client/cli/log_report_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "proto-json/log_report.h"

namespace openexec::cli {
namespace {

constexpr std::size_t answer_column = 14;

std::string count_in(const Json& report, std::string_view name) { return with_separators(number_in(report, name)); }

const Json::Array& array_in(const Json& json, std::string_view name) {
  static const Json::Array none;
  const Json* found = json.find(name);
  return found == nullptr || found->if_array() == nullptr ? none : *found->if_array();
}

std::string claims_text(const Json& report, LogForm form) {
  const std::uint64_t running = number_in(report, "running");
  return fmt::format("{} nonces, each claimed once{}", count_in(report, "claims"),
                     running == 0 ? ""
                                  : fmt::format("; {} {}", with_separators(running),
                                                form == LogForm::store ? "run now" : "without an outcome yet"));
}

std::string witnesses_text(const Json& report) {
  const Json::Array& found = array_in(report, "cosignatures");
  std::string out = fmt::format("{} of {}", found.size(), number_in(report, "witness_keys"));
  for (const Json& each : found) {
    out += fmt::format("{} {}, {}", &each == found.data() ? ":" : ";", text_in(each, "witness"),
                       posix_moment_text(number_in(each, "time")));
  }
  const Json* cosigned = report.find("cosigned");
  return cosigned == nullptr || cosigned->is_null()
             ? out
             : fmt::format("{}; up to {} entries", out, count_in(*cosigned, "size"));
}

// What stands behind a `yes`.
std::string text_of_yes(LogPart part, const Json& report, LogForm form) {
  switch (part) {
    case LogPart::structure:
      return form == LogForm::store ? "every table is whole and in order" : "every file is there";
    case LogPart::entries:
      return fmt::format("{} leaves, every one readable", count_in(report, "entries"));
    case LogPart::tree:
      return fmt::format("{} hashes, every one right", count_in(report, "nodes"));
    case LogPart::claims:
      return claims_text(report, form);
    case LogPart::results:
      return fmt::format("{}, each as its entry names it", count_in(report, "results"));
    case LogPart::approvals:
      return fmt::format("{} used, each once", count_in(report, "approvals"));
    case LogPart::checkpoint:
      return fmt::format("{} signed all {} entries", text_in(report, "origin"), count_in(report, "entries"));
    case LogPart::witnesses:
      return witnesses_text(report);
    case LogPart::high_water:
      return fmt::format("not behind the {} entries it had before", count_in(report, "high_water"));
  }
  std::unreachable();
}

std::string_view why_not_checked(LogPart part, const Json& verdicts, LogForm form) {
  const bool can_be = part != LogPart::high_water && (part != LogPart::results || form == LogForm::store);
  if (can_be && text_in(verdicts, to_text(LogPart::structure)) == "no") {
    return "not all of it could be read";
  }
  switch (part) {
    case LogPart::results:
      return form == LogForm::store ? "" : "an export holds none";
    case LogPart::checkpoint:
      return "no log key was given: --log-key";
    case LogPart::witnesses:
      return "no witness's key was given: --witness";
    case LogPart::high_water:
      return form == LogForm::store ? "there is no high-water file: a copy has none" : "an export has none";
    case LogPart::structure:
    case LogPart::entries:
    case LogPart::tree:
    case LogPart::claims:
    case LogPart::approvals:
      return "";
  }
  std::unreachable();
}

void show_part(const Screen& screen, LogPart part, const Json& report, LogForm form) {
  const Json* verdicts = report.find("verdicts");
  const Json& answers = verdicts == nullptr ? report : *verdicts;
  const std::string answer = text_in(answers, to_text(part));
  const bool is_yes = answer == "yes";
  const bool is_no = answer == "no";
  std::string name(to_text(part));
  std::ranges::replace(name, '_', ' ');
  screen.print(fmt::format("{:<{}}", name, answer_column));
  screen.print(fmt::format("{:<3}", answer), is_yes ? Colour::green : is_no ? Colour::red : Colour::yellow);
  const std::string text = is_yes  ? text_of_yes(part, report, form)
                           : is_no ? std::string("see below")
                                   : std::string(why_not_checked(part, answers, form));
  screen.print(text.empty() ? "\n" : fmt::format("   {}\n", text));
  const Json* given = report.find("log_key_given");
  if (part == LogPart::checkpoint && is_yes && given != nullptr && given->if_bool() != nullptr && !*given->if_bool()) {
    screen.print(
        fmt::format("{:<{}}by the key in the store itself, which proves nothing against who holds the host: "
                    "--log-key\n",
                    "", answer_column + 6));
  }
}

}  // namespace

bool is_ok(const Json& report) {
  const Json* ok = report.find("ok");
  return ok != nullptr && ok->if_bool() != nullptr && *ok->if_bool();
}

void show_log_report(const Screen& screen, const Json& report, LogForm form) {
  for (const LogPart part : log_parts) {
    show_part(screen, part, report, form);
  }
  const Json::Array& problems = array_in(report, "problems");
  for (const Json& problem : problems) {
    screen.print(&problem == problems.data() ? "\n" : "");
    screen.print(fmt::format("{:<{}}{}\n", text_in(problem, "part"), answer_column, text_in(problem, "text")));
  }
  if (const std::uint64_t total = number_in(report, "problems_total"); total > problems.size()) {
    screen.print(fmt::format("{:<{}}and {} more\n", "", answer_column, with_separators(total - problems.size())));
  }
}

}  // namespace openexec::cli
