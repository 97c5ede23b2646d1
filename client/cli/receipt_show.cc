// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "client/cli/daemon_call.h"
#include "client/cli/input.h"
#include "client/cli/receipt_text.h"
#include "proto-json/canonical.h"
#include "proto-json/encoding.h"

namespace openexec::cli {
namespace {

struct Arguments {
  std::string id;
  std::string nonce;
  std::optional<std::int64_t> index;
  std::string proof;  // the file to write; empty: none
};

std::string approval_text(const ReceiptApproval& approval) {
  if (!approval.id) {
    return fmt::format("not verified, hash {}", shortened(to_hex(approval.hash.view())));
  }
  std::string out = *approval.id;
  for (std::size_t i = 0; i < approval.key_ids.size(); ++i) {
    out += fmt::format("{} {} (key {})", i == 0 ? ", signed by" : " and",
                       i < approval.approvers.size() ? printable(approval.approvers[i]) : "?",
                       shortened(approval.key_ids[i]));
  }
  return out;
}

void show_receipt(const Screen& screen, const Receipt& receipt, const std::string& entry) {
  screen.row(to_text(receipt.kind), fmt::format("{:<38} entry {}", subject_text(receipt), entry),
             colour_of(receipt.kind));
  screen.row("at", fmt::format("{}{}", moment_text(receipt.at),
                               receipt.duration_us && *receipt.duration_us > 0
                                   ? fmt::format(", it took {}", seconds_text(*receipt.duration_us))
                                   : ""));
  if (receipt.exit) {
    screen.row("process", end_text(*receipt.exit));
  }
  screen.row("id", to_uuid_text(receipt.id));
  screen.row("nonce", printable(receipt.nonce));
  screen.row("peer", fmt::format("uid {}, gid {}, pid {}", receipt.peer.uid, receipt.peer.gid, receipt.peer.pid));
  screen.row("mode", fmt::format("{}{}", to_text(receipt.mode),
                                 receipt.tenant_id ? ", tenant " + printable(*receipt.tenant_id) : ""));
  if (receipt.approval) {
    screen.row("approval", approval_text(*receipt.approval));
  }
  if (receipt.trace_id) {
    screen.row("trace id", printable(*receipt.trace_id));
  }
  std::string hashes = fmt::format("request {}", shortened(to_hex(receipt.action_hash.view())));
  if (receipt.result_hash) {
    hashes += fmt::format("   result {}", shortened(to_hex(receipt.result_hash->view())));
  }
  if (receipt.receipt) {
    hashes += fmt::format("   receipt {}", shortened(to_hex(receipt.receipt->view())));
  }
  screen.row("hashes", hashes + fmt::format("   registry {}", shortened(to_hex(receipt.registry.view()))));
  if (receipt.started) {
    screen.row("started", fmt::format("entry {}", *receipt.started));
  }
}

void show_answer(const Screen& screen, const Json& answer) {
  const Json* member = answer.find("receipt");
  const Json json = member == nullptr ? Json() : *member;
  const std::string entry = entry_text(answer.find("log"));
  if (const auto receipt = receipt_from_json(json)) {
    show_receipt(screen, *receipt, entry);
  } else if (const auto leaf = read_leaf(to_jcs(json))) {
    screen.row(kind_name(*leaf), fmt::format("{:<38} entry {}", subject_text(*leaf), entry));
    screen.row("at", moment_text(time_of(*leaf)));
    screen.row("whole", compact_text(json));
  } else {
    screen.document(answer);
  }
}

Exit show(const Globals& globals, const Arguments& arguments) {
  const Screen screen(globals);
  const auto named = [&arguments]() -> Member {
    if (arguments.index) {
      return {"index", *arguments.index};
    }
    return arguments.nonce.empty() ? Member{"id", arguments.id} : Member{"nonce", arguments.nonce};
  };
  if (const auto free = check_is_new(arguments.proof); !free) {
    complain(free.error(), "Choose another name for --proof.");
    return Exit::refused;
  }
  const auto answer = ask(globals, screen, "receipts/get", Json::object({named()}));
  if (!answer) {
    return answer.error();
  }
  if (screen.human()) {
    show_answer(screen, *answer);
  } else {
    screen.document(*answer);
  }
  if (arguments.proof.empty()) {
    return Exit::done;
  }
  const auto written = write_proof(*answer, arguments.proof);
  if (!written) {
    complain(written.error(), "The proof was not kept.");
    return Exit::refused;
  }
  if (screen.human()) {
    screen.row("proof", printable(arguments.proof));
  }
  return Exit::done;
}

}  // namespace

Run set_up_receipt_show(App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("ID", arguments->id, "of the execution: its outcome, or `started` while it runs");
  app.add_option("--nonce", arguments->nonce, "the same, by the nonce it was sent with");
  app.add_option("--index", arguments->index, "the entry at this place in the log");
  app.add_option("--proof", arguments->proof, "write its proof to this new file: openexec receipt verify checks it");
  app.footer(
      "Examples:\n"
      "  openexec receipt show --index 0\n"
      "  openexec receipt show --nonce 7c9e66790b1f4e4f8a52c3d0e4b1a96f --proof refund.tlog-proof");
  return [arguments](const Globals& globals) {
    const int named = (arguments->id.empty() ? 0 : 1) + (arguments->nonce.empty() ? 0 : 1) + (arguments->index ? 1 : 0);
    if (named != 1) {
      complain("name one receipt: by ID, by --nonce or by --index", "openexec receipt show --help has an example.");
      return Exit::usage;
    }
    return show(globals, *arguments);
  };
}

}  // namespace openexec::cli
