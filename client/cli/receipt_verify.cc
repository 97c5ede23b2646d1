// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <utility>

#include "client/cli/input.h"
#include "client/cli/receipt_text.h"
#include "client/cli/screen.h"
#include "client/cli/trust.h"
#include "client/verify.h"
#include "proto-json/limits.h"
#include "proto-json/pem.h"

namespace openexec::cli {
namespace {

using client::Answer;
using client::ProofReport;
using client::ProofTrust;
using client::Verdict;

struct Arguments {
  std::string file;
  TrustArguments trust;
  std::vector<std::string> approver_keys;
};

constexpr std::size_t verdict_column = 19;

Colour colour_of(Answer answer) {
  switch (answer) {
    case Answer::yes:
      return Colour::green;
    case Answer::no:
      return Colour::red;
    case Answer::not_checked:
      return Colour::yellow;
  }
  std::unreachable();
}

void show_verdict(const Screen& screen, std::string_view question, const Verdict& verdict, const std::string& text) {
  const std::string_view answer = client::to_text(verdict.answer);
  screen.print(fmt::format("{:<{}}", question, verdict_column));
  screen.print(text.empty() ? std::string(answer) : fmt::format("{:<3}", answer), colour_of(verdict.answer));
  screen.print(text.empty() ? "\n" : fmt::format("   {}\n", text));
}

// A verdict that is yes, for a person; the report's own text serves otherwise.
std::string included_text(const ProofReport& report) {
  return fmt::format("entry {} of {}", with_separators(*report.index), with_separators(report.checkpoint->size));
}

std::string witnesses_text(const ProofReport& report) {
  std::string out = fmt::format("{} of {}", report.cosignatures.size(), report.witness_keys);
  for (const Cosignature& each : report.cosignatures) {
    out += fmt::format("{} {}, {}", &each == report.cosignatures.data() ? ":" : ";", printable(each.witness),
                       posix_moment_text(each.time_s));
  }
  return out;
}

std::string approval_text(const ProofReport& report) {
  return fmt::format("{} (key {}), for this very request", printable(report.approver->name),
                     shortened(key_id(report.approver->key)));
}

void show(const Screen& screen, const ProofReport& report) {
  const auto line = [&screen](std::string_view question, const Verdict& verdict, auto text_of_yes) {
    show_verdict(screen, question, verdict, verdict.answer == Answer::yes ? text_of_yes() : printable(verdict.text));
  };
  line("well formed", report.well_formed, [] { return std::string(); });
  line("included", report.included, [&] { return included_text(report); });
  line("log signature", report.log_signature, [&] { return printable(report.log_signature.text); });
  line("witnesses", report.witnesses, [&] { return witnesses_text(report); });
  line("approval", report.approval, [&] { return approval_text(report); });
  screen.print(fmt::format("{:<{}}{}\n", "single use", verdict_column, printable(report.single_use.text)));
  if (report.leaf) {
    screen.print(fmt::format("{:<{}}{} {}, {}\n", "receipt", verdict_column, kind_name(*report.leaf),
                             subject_text(*report.leaf), moment_text(time_of(*report.leaf))));
  }
}

Json to_json(const ProofReport& report) {
  const auto verdict = [](std::string_view name, const Verdict& from) {
    return Member{std::string(name),
                  Json::object({{"answer", client::to_text(from.answer)}, {"text", printable(from.text)}})};
  };
  std::vector<Member> members{
      {"ok", report.ok()},
      {"verdicts", Json::object({verdict("well_formed", report.well_formed), verdict("included", report.included),
                                 verdict("log_signature", report.log_signature), verdict("witnesses", report.witnesses),
                                 verdict("approval", report.approval), verdict("single_use", report.single_use)})}};
  if (report.leaf_text) {
    auto receipt = parse_json(*report.leaf_text);
    members.push_back({"receipt", receipt ? *std::move(receipt) : Json()});
    members.push_back({"log", Json::object({{"index", static_cast<std::int64_t>(*report.index)},
                                            {"origin", report.checkpoint->origin},
                                            {"size", static_cast<std::int64_t>(report.checkpoint->size)}})});
  }
  return Json::object(std::move(members));
}

// The keys of files that openexec keygen or openssl wrote, by the files' names.
std::expected<void, std::string> add_approvers(const std::vector<std::string>& paths, ProofTrust& trust) {
  for (const std::string& path : paths) {
    const auto pem = read_whole_file(path, limits::key_file_bytes_max);
    if (!pem) {
      return std::unexpected("--approver-key: " + pem.error());
    }
    const auto key = read_public_key_pem(*pem);
    if (!key) {
      return std::unexpected(fmt::format("--approver-key: {}: {}", printable(path), printable(key.error())));
    }
    trust.approvers.push_back({std::filesystem::path(path).stem().string(), *key});
  }
  return {};
}

Exit verify(const Globals& globals, const Arguments& arguments) {
  auto trust = read_trust(arguments.trust);
  if (const auto added = trust ? add_approvers(arguments.approver_keys, *trust)
                               : std::expected<void, std::string>(std::unexpected(trust.error()));
      !added) {
    complain(added.error(), "openexec receipt verify --help has an example. Nothing was checked.");
    return Exit::usage;
  }
  const auto text = read_whole_file(arguments.file, limits::proof_bytes_max);
  if (!text) {
    complain(text.error(), "Give the file that openexec receipt show --proof wrote. Nothing was checked.");
    return Exit::refused;
  }
  const ProofReport report = client::verify_proof(*text, *trust);
  const Screen screen(globals);
  if (screen.human()) {
    show(screen, report);
  } else {
    screen.document(to_json(report));
  }
  return report.ok() ? Exit::done : Exit::refused;
}

}  // namespace

Run set_up_receipt_verify(App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("FILE", arguments->file, "a proof, as openexec receipt show --proof writes it; - reads it").required();
  add_trust_options(app, arguments->trust);
  app.add_option("--approver-key", arguments->approver_keys,
                 "the public key (PEM) of who may have approved it; may be given again");
  app.footer(
      "No daemon, no store and no network are needed. Only the keys that you give count: those in the document prove\n"
      "nothing. Exits with 0 when no answer is `no`. What is `not checked` is not proven.\n\n"
      "Example:\n"
      "  openexec receipt verify refund.tlog-proof --log-key @vm1.vkey --witness @audit.vkey --approver-key ops.pub");
  return [arguments](const Globals& globals) { return verify(globals, *arguments); };
}

}  // namespace openexec::cli
