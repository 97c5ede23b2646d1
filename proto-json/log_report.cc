// SPDX-License-Identifier: Apache-2.0
#include "proto-json/log_report.h"

#include <algorithm>
#include <utility>

#include "proto-json/encoding.h"

namespace openexec {
namespace {

Json number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

Json to_json(const std::optional<Checkpoint>& checkpoint) {
  return checkpoint ? Json::object({{"origin", checkpoint->origin},
                                    {"root", to_hex(checkpoint->root.view())},
                                    {"size", number(checkpoint->size)}})
                    : Json();
}

Json text_json(std::string_view text) {
  return is_utf8(text) ? Json(text) : Json("it quotes what is no text: " + to_hex(bytes_of(text)));
}

}  // namespace

std::string_view to_text(LogPart part) {
  switch (part) {
    case LogPart::structure:
      return "structure";
    case LogPart::entries:
      return "entries";
    case LogPart::tree:
      return "tree";
    case LogPart::claims:
      return "claims";
    case LogPart::results:
      return "results";
    case LogPart::approvals:
      return "approvals";
    case LogPart::checkpoint:
      return "checkpoint";
    case LogPart::witnesses:
      return "witnesses";
    case LogPart::high_water:
      return "high_water";
  }
  std::unreachable();
}

std::optional<LogPart> log_part_named(std::string_view name) {
  const auto* const found = std::ranges::find_if(log_parts, [&](LogPart part) { return to_text(part) == name; });
  return found == log_parts.end() ? std::nullopt : std::optional(*found);
}

std::string_view LogFindings::answer(LogPart part) const {
  if (count(part) != 0) {
    return "no";
  }
  return checked_.at(static_cast<std::size_t>(part)) ? "yes" : "not checked";
}

Json to_json(const LogReport& report) {
  std::vector<Member> verdicts;
  for (const LogPart part : log_parts) {
    verdicts.push_back({std::string(to_text(part)), report.findings.answer(part)});
  }
  Json::Array problems;
  for (const LogProblem& problem : report.findings.problems()) {
    problems.push_back(Json::object({{"part", to_text(problem.part)}, {"text", text_json(problem.text)}}));
  }
  Json::Array cosignatures;
  for (const Cosignature& each : report.cosignatures) {
    cosignatures.push_back(Json::object({{"time", number(each.time_s)}, {"witness", each.witness}}));
  }
  return Json::object({{"ok", report.ok()},
                       {"verdicts", Json::object(std::move(verdicts))},
                       {"problems", std::move(problems)},
                       {"problems_total", number(report.findings.total())},
                       {"origin", report.origin},
                       {"entries", number(report.entries)},
                       {"nodes", number(report.nodes)},
                       {"claims", number(report.claims)},
                       {"running", number(report.running)},
                       {"results", number(report.results)},
                       {"approvals", number(report.approvals)},
                       {"denied", number(report.denied)},
                       {"checkpoint", to_json(report.checkpoint)},
                       {"cosigned", to_json(report.cosigned)},
                       {"log_key_given", report.log_key_given},
                       {"cosignatures", std::move(cosignatures)},
                       {"witness_keys", number(report.witness_keys)},
                       {"high_water", report.high_water ? number(*report.high_water) : Json()}});
}

}  // namespace openexec
