// SPDX-License-Identifier: Apache-2.0
// The daemons that tests run, what they send them, and what they read in the answers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/crypto.h"
#include "proto-json/json.h"
#include "tests/support/agent_socket.h"
#include "tests/support/programs.h"
#include "tests/support/test_daemon.h"

namespace openexec::test {

// --- approvals ---

inline constexpr std::string_view test_tenant = "tenant-001";

struct ApprovalChoices {
  std::string tenant_id{test_tenant};
  std::string approval_id;       // empty: a new one
  std::int64_t issued_s = -60;   // from now
  std::int64_t expires_s = 240;  // from now
};

// Holds an approval key, as the approver does and the daemon never does.
class Approver {
 public:
  explicit Approver(SecretKey key) : key_(std::move(key)) {}
  // The key that the daemons of these tests trust: that of tests/vectors/clawshield-v1.json.
  static Approver trusted();
  // One that they do not.
  static Approver other();

  [[nodiscard]] std::string public_key_pem() const;
  [[nodiscard]] Json approve(std::string_view action, const Json& payload, const ApprovalChoices& choices = {}) const;
  // The signature over any text: for artifacts that no approver would make.
  [[nodiscard]] std::string sign(std::string_view message) const;

 private:
  SecretKey key_;
};

// A UUID that no other call in this process gives.
std::string new_approval_id();
// The object with that member in place of whatever it had of that name; a null value takes the member away.
Json with_member(const Json& object, std::string_view name, const Json& value);

// --- daemons ---

DaemonOptions demo_daemon(const std::string& binary = openexecd_path());
// Trusts Approver::trusted().
DaemonOptions clawshield_daemon(const std::string& binary = openexecd_path(), std::string_view tenant_id = test_tenant);

// The file in which each effect of a test action leaves its tag as a line.
class Effects {
 public:
  [[nodiscard]] std::string env() const { return "OPENEXEC_TEST_EFFECTS=" + path().string(); }
  [[nodiscard]] std::filesystem::path path() const { return dir_ / "effects"; }
  [[nodiscard]] std::vector<std::string> lines() const;
  [[nodiscard]] std::size_t count(std::string_view tag) const;
  // Until a run has left that tag.
  void wait_for(std::string_view tag) const;

 private:
  TempDir dir_;
};

// The payload with which a test action leaves that tag.
Json tag_payload(std::string_view tag);

// --- requests and answers ---

Json execute_params(std::string_view action, const Json& payload, std::string_view nonce,
                    const std::optional<Json>& approval = std::nullopt);

// A reply to execute, or to any method.
struct Answer {
  Json reply;

  [[nodiscard]] bool succeeded() const { return reply.find("result") != nullptr; }
  // "" when it is no error.
  [[nodiscard]] std::string reason() const;
  // Of an error that left an entry.
  [[nodiscard]] std::optional<std::int64_t> denial_index() const;

  // These fail the test when it is an error.
  [[nodiscard]] const Json& result() const;
  [[nodiscard]] std::string id() const;
  [[nodiscard]] std::string receipt() const;
  [[nodiscard]] std::int64_t index() const;
  [[nodiscard]] bool replayed() const;
};

// What must be the same in every answer to one request: all of its result but `replayed`.
Json without_replayed(const Answer& answer);

Answer call(AgentSocket& socket, std::string_view method, const Json& params = nullptr);
Answer execute(AgentSocket& socket, std::string_view action, const Json& payload, std::string_view nonce,
               const std::optional<Json>& approval = std::nullopt);
// The receipt objects of the log from that index on, in order.
std::vector<Json> log_of(AgentSocket& socket, std::size_t from = 0);
// The receipt that a nonce's latest entry holds; nothing when there is none.
std::optional<Json> receipt_by_nonce(AgentSocket& socket, std::string_view nonce);
// Asks until the nonce is claimed.
void wait_until_claimed(const std::string& socket_path, std::string_view nonce);

}  // namespace openexec::test
