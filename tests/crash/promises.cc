// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/promises.h"

#include <algorithm>
#include <set>

#include "proto-json/canonical.h"
#include "proto-json/message.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

using Kinds = std::vector<std::string>;

// The lives of a claim that the log may tell, once nothing runs.
const std::set<Kinds> whole_lives = {
    {"executed"}, {"failed"}, {"started", "executed"}, {"started", "failed"}, {"started", "unknown"}};

// What is the same in every answer: all but whether it was given before, and a proof, which names the latest
// checkpoint.
Json without_proof(const Answer& answer) { return with_member(without_replayed(answer), "proof", nullptr); }

bool is_refusal_without_entry(const std::string& reason) { return reason == "overloaded" || reason == "shutting_down"; }

}  // namespace

std::string SentRequest::line(std::int64_t id) const {
  Json params = execute_params(action, payload(), nonce);
  return encode_request(id, "execute", wants_proof ? with_member(params, "proof", true) : params);
}

void Promises::read_log(AgentSocket& socket) {
  std::size_t next = log_.entries().size();
  log_.check(socket);
  for (; next < log_.entries().size(); ++next) {
    const Json& entry = log_.entries()[next];
    const std::string& kind = string_member(entry, "kind");
    if (kind != "denied" && kind != "denied_summary") {
      kinds_[string_member(entry, "nonce")].push_back(kind);
    }
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
      REQUIRE(without_proof(again) == without_proof(answer));
      REQUIRE((answer.result().find("proof") != nullptr) == request.wants_proof);
      if (request.wants_proof) {
        log_.check_proof(string_member(answer.result(), "proof"));
      }
      was_answered = true;
    } else if (!is_refusal_without_entry(answer.reason())) {
      REQUIRE(again.reason() == answer.reason());
      const auto index = static_cast<std::size_t>(answer.denial_index().value());
      REQUIRE(index < log_.entries().size());
      REQUIRE(string_member(log_.entries().at(index), "nonce") == request.nonce);
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
