// SPDX-License-Identifier: Apache-2.0
// An engine with everything round it, on a real store of its own.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/engine.h"
#include "daemon/core/store.h"
#include "proto-json/checkpoint.h"
#include "proto-json/crypto.h"
#include "proto-json/message.h"
#include "tests/core/fakes.h"
#include "tests/support/temp_dir.h"

namespace openexec::test {

inline constexpr std::string_view tenant = "tenant-001";
inline constexpr std::string_view origin = "test/openexec";
// Effectful: its effects are the runner's. Beside echo and add in every registry here.
inline constexpr std::string_view effect_action = "test.effect";
// The same, one run at one time.
inline constexpr std::string_view single_action = "test.single";
// A command that says it is pure.
inline constexpr std::string_view command_action = "test.command";

UtcTime noon();  // the `now` of the vectors
Json json(std::string_view text);
SecretKey approver_key();
Keyring approver_keyring();
Registry test_registry();
Policy demo_policy();
Policy clawshield_policy();
StoreOptions store_options(const Policy& policy, const TempDir& dir);
std::unique_ptr<Store> open_store(const StoreOptions& options);
Attempt attempt_of(const Policy& policy, const ExecuteRequest& request, Peer peer = {1000, 1000, 42});

// An execute request; the payload is JSON text.
ExecuteRequest request(std::string_view action, std::string_view payload, std::string_view nonce);

struct ApprovalChoice {
  std::string approval_id = "67203e9d-7af3-4cec-b702-b95666250b1c";
  std::string tenant_id = std::string(tenant);
  std::int64_t issued_s = -60;  // from noon
  std::int64_t expires_s = 240;
};
// The same request with an artifact that the approver signed for it.
ExecuteRequest approved(ExecuteRequest request, const ApprovalChoice& choice = {});

// A copy of it, as a backup makes one, in that folder.
void copy_store(const Store& store, const std::filesystem::path& folder);

// What signs the log of every store here.
NoteSigner log_signer();

// Every leaf of the log, each checked to be the leaf of what it says, and the latest checkpoint to be signed over them.
std::vector<LeafContent> leaves(const Store& store);
// Those that are attempts'.
std::vector<Receipt> entries(const Store& store);

// Where an answer arrives. More than one fails the test.
class Asked {
 public:
  [[nodiscard]] bool is_answered() const { return answer_->has_value(); }
  [[nodiscard]] const Answer& answer() const;
  [[nodiscard]] const ExecuteResult& result() const;
  [[nodiscard]] const CheckResult& check() const;
  [[nodiscard]] const Refusal& refusal() const;
  [[nodiscard]] Reason reason() const { return refusal().error.reason; }
  Reply reply();

 private:
  std::shared_ptr<std::optional<Answer>> answer_ = std::make_shared<std::optional<Answer>>();
};

class World {
 public:
  explicit World(Policy policy = demo_policy(), CommitRules rules = {}, UtcTime now = noon());

  // Sends a request and leaves it where it waits first.
  Asked send(ExecuteRequest request, std::uint32_t uid = 1000);
  // Sends it and lets everything but runs go on until nothing moves.
  Asked ask(ExecuteRequest request, std::uint32_t uid = 1000);
  void settle();
  // Dies as by kill -9, with all that was not durable, and starts again on the same store.
  void crash();

  [[nodiscard]] std::vector<Receipt> log() { return entries(committer().real_store()); }
  [[nodiscard]] std::uint64_t log_entries() { return log().size(); }
  [[nodiscard]] Engine& engine() { return parts_->engine; }
  [[nodiscard]] FakeCommitter& committer() { return parts_->committer; }
  [[nodiscard]] FakeVerifier& verifier() { return parts_->verifier; }
  [[nodiscard]] FakeRunner& runner() { return runner_; }
  [[nodiscard]] FakeClock& clock() { return clock_; }
  [[nodiscard]] const Policy& policy() const { return policy_; }
  [[nodiscard]] const Registry& registry() const { return registry_; }
  [[nodiscard]] const TempDir& dir() const { return dir_; }

 private:
  // What a crash takes with it. The runner stays: effects are out in the world.
  struct Parts {
    explicit Parts(World& world);
    FakeCommitter committer;
    FakeVerifier verifier;
    Engine engine;
  };

  TempDir dir_;
  const Policy policy_;
  const CommitRules rules_;
  const Keyring keyring_ = approver_keyring();
  const Registry registry_ = test_registry();
  FakeClock clock_;
  FakeRunner runner_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace openexec::test
