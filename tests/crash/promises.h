// SPDX-License-Identifier: Apache-2.0
// What must hold after the daemon died at any moment and was started again on its store.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/json.h"
#include "tests/crash/kept_log.h"
#include "tests/support/agent_socket.h"
#include "tests/support/openexecd.h"

namespace openexec::test {

// A request that was sent before the daemon died, maybe several times, and the answers that came.
struct SentRequest {
  std::string action;
  std::string nonce;  // also the tag of its effect
  std::vector<Answer> answers;
  bool wants_proof = false;

  // Leaves its tag in the file of effects when it runs.
  [[nodiscard]] bool has_effect() const { return action.starts_with("test."); }
  [[nodiscard]] Json payload() const { return tag_payload(nonce); }
  // The line that asks for it.
  [[nodiscard]] std::string line(std::int64_t id) const;
};

// What a retry finds of a request.
enum class Found { not_claimed, unknown, finished, denied };

// What is known of all requests that were sent over the life of one store.
class Promises {
 public:
  explicit Promises(const Effects& effects) : effects_(effects) {}

  // The daemon runs again: retries each of these requests and requires that
  //   - each ran at most once, before the crash and by the retry together;
  //   - every answer that was received is given again, and every denial that was answered is in the log;
  //   - a claim with no outcome is `outcome_unknown` and has an `unknown` entry, and no retry runs it;
  //   - whatever was not claimed may run, and had not run;
  //   - the log continues what was seen of it, and every proof that was answered proves its entry.
  // Gives what was found, by nonce.
  std::map<std::string, Found> check(const std::string& socket_path, const std::vector<SentRequest>& sent);

  // The log, as of the last look at it.
  KeptLog& log() { return log_; }

 private:
  void read_log(AgentSocket& socket);
  Found retry(AgentSocket& socket, const SentRequest& request, std::size_t effects_before);

  const Effects& effects_;
  KeptLog log_;
  std::map<std::string, std::vector<std::string>> kinds_;  // of the entries of a nonce, denials left out
};

}  // namespace openexec::test
