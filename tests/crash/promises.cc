// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/promises.h"

#include <algorithm>
#include <set>

#include "proto-json/canonical.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

using Kinds = std::vector<std::string>;

// The lives of a claim that the log may tell, once nothing runs.
const std::set<Kinds> whole_lives = {
    {"executed"}, {"failed"}, {"started", "executed"}, {"started", "failed"}, {"started", "unknown"}};

bool is_refusal_without_entry(const std::string& reason) { return reason == "overloaded" || reason == "shutting_down"; }

}  // namespace

void Promises::read_log(AgentSocket& socket) {
  for (Json& receipt : log_of(socket, log_.size())) {
    const std::string& kind = string_member(receipt, "kind");
    if (kind != "denied") {
      kinds_[string_member(receipt, "nonce")].push_back(kind);
    }
    log_.push_back(std::move(receipt));
  }
  for (const auto& [nonce, kinds] : kinds_) {
    INFO("nonce " << nonce);
    REQUIRE(whole_lives.contains(kinds));
  }
}

std::map<std::string, Found> Promises::check(const std::string& socket_path, const std::vector<SentRequest>& sent) {
  AgentSocket socket(socket_path);
  read_log(socket);
  std::map<std::string, std::size_t> effects_before;
  for (const std::string& line : effects_.lines()) {
    INFO("effect " << line);
    REQUIRE(++effects_before[line] == 1);
  }
  std::map<std::string, Found> found;
  for (const SentRequest& request : sent) {
    INFO(request.action << " with nonce " << request.nonce);
    found[request.nonce] = retry(socket, request, effects_before[request.nonce]);
  }
  return found;
}

Found Promises::retry(AgentSocket& socket, const SentRequest& request, std::size_t effects_before) {
  const Answer again = execute(socket, request.action, request.payload(), request.nonce);
  INFO("now: " << to_compact(again.reply));
  bool was_answered = false;
  for (const Answer& answer : request.answers) {
    INFO("before the crash: " << to_compact(answer.reply));
    if (answer.succeeded()) {
      REQUIRE(again.replayed());
      REQUIRE(without_replayed(again) == without_replayed(answer));
      was_answered = true;
    } else if (!is_refusal_without_entry(answer.reason())) {
      REQUIRE(again.reason() == answer.reason());
      const auto index = static_cast<std::size_t>(answer.denial_index().value());
      REQUIRE(index < log_.size());
      REQUIRE(string_member(log_.at(index), "nonce") == request.nonce);
    }
  }

  const bool was_claimed = kinds_.contains(request.nonce);
  const std::size_t effects_now = request.has_effect() ? effects_.count(request.nonce) : 0;
  if (again.reason() == "outcome_unknown") {
    REQUIRE(request.has_effect());
    REQUIRE_FALSE(was_answered);
    REQUIRE(kinds_.at(request.nonce).back() == "unknown");
    REQUIRE(string_member(receipt_by_nonce(socket, request.nonce).value(), "kind") == "unknown");
    REQUIRE(effects_now == effects_before);
    return Found::unknown;
  }
  if (!again.succeeded()) {
    REQUIRE_FALSE(was_claimed);
    REQUIRE(effects_now == 0);
    const Json entry = log_of(socket, static_cast<std::size_t>(again.denial_index().value())).at(0);
    REQUIRE(string_member(entry, "kind") == "denied");
    REQUIRE(string_member(entry, "reason") == again.reason());
    return Found::denied;
  }
  REQUIRE(again.replayed() == was_claimed);
  REQUIRE(effects_before == (request.has_effect() && was_claimed ? 1 : 0));
  REQUIRE(effects_now == (request.has_effect() ? 1 : 0));
  return was_claimed ? Found::finished : Found::not_claimed;
}

}  // namespace openexec::test
