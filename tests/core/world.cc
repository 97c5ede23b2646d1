// SPDX-License-Identifier: Apache-2.0
#include "tests/core/world.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "daemon/core/receipt_log.h"
#include "proto-json/approval.h"
#include "proto-json/canonical.h"
#include "proto-json/pem.h"
#include "tests/support/vectors.h"

namespace openexec::test {

UtcTime noon() { return from_text("2026-11-21T12:00:00").value(); }

Json json(std::string_view text) { return parsed(text); }

SecretKey approver_key() {
  init_crypto();
  auto key = read_secret_key_pem(string_member(vectors("clawshield-v1"), "private_key_pem"));
  REQUIRE(key.has_value());
  return *std::move(key);
}

Keyring approver_keyring() {
  Keyring keyring;
  REQUIRE(keyring.add_pem("ops", to_public_key_pem(approver_key().public_key())).has_value());
  return keyring;
}

Registry test_registry() {
  Registry registry;
  add_builtins(registry);
  for (const std::string_view name : {effect_action, single_action}) {
    Action action{.name = std::string(name),
                  .description = "Leaves an effect",
                  .schema = Json::object({{"type", "object"}}),
                  .effect = Effect::effectful,
                  .check = {},
                  .run = [](const Json& payload) { return payload; }};
    action.concurrency = name == single_action ? 1 : limits::concurrency_ceiling;
    REQUIRE(registry.add(std::move(action)).has_value());
  }
  Action command{.name = std::string(command_action),
                 .description = "Runs a program",
                 .schema = Json::object({{"type", "object"}}),
                 .effect = Effect::pure,
                 .check = {},
                 .run = {}};
  Command program;
  program.argv = {{.text = "/usr/bin/true"}};
  command.command = std::make_shared<const Command>(std::move(program));
  REQUIRE(registry.add(std::move(command)).has_value());
  return registry;
}

Policy demo_policy() {
  Policy policy;
  policy.origin = origin;
  policy.log_key = log_signer().key();
  return policy;
}

Policy clawshield_policy() {
  Policy policy = demo_policy();
  policy.mode = Mode::clawshield;
  policy.tenant_id = tenant;
  return policy;
}

StoreOptions store_options(const Policy& policy, const TempDir& dir) {
  StoreOptions options;
  options.dir = dir.path().string();
  options.map_size_bytes = std::size_t{64} << 20;
  options.mode = policy.mode;
  options.tenant_id = policy.tenant_id;
  options.origin = policy.origin;
  options.durable = false;  // no test here loses power
  return options;
}

std::unique_ptr<Store> open_store(const StoreOptions& options) {
  auto store = Store::open(options);
  INFO((store ? std::string() : store.error()));
  REQUIRE(store.has_value());
  return *std::move(store);
}

Attempt attempt_of(const Policy& policy, const ExecuteRequest& request, Peer peer) {
  return make_attempt(policy, test_registry().digest(), peer, request);
}

ExecuteRequest request(std::string_view action, std::string_view payload, std::string_view nonce) {
  ExecuteRequest out;
  out.action = action;
  out.payload = json(payload);
  out.nonce = nonce;
  return out;
}

ExecuteRequest approved(ExecuteRequest request, const ApprovalChoice& choice) {
  const auto artifact = mint_clawshield_approval({choice.approval_id, choice.tenant_id, request.action, request.payload,
                                                  plus_s(noon(), choice.issued_s), plus_s(noon(), choice.expires_s)},
                                                 approver_key());
  INFO((artifact ? std::string() : artifact.error().message));
  REQUIRE(artifact.has_value());
  request.approval_artifact = *artifact;
  return request;
}

void copy_store(const Store& store, const std::filesystem::path& folder) {
  const int fd = open((folder / "data.mdb").c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  REQUIRE(fd >= 0);
  const auto copied = store.copy_to(fd);
  close(fd);
  REQUIRE(copied.has_value());
}

NoteSigner log_signer() {
  init_crypto();
  std::array<std::uint8_t, SecretKey::seed_bytes> seed{};
  seed.fill(7);
  return {std::string(origin), NoteKeyType::ed25519, SecretKey::from_seed(seed)};
}

std::vector<LeafContent> leaves(const Store& store) {
  const auto txn = store.read();
  REQUIRE(txn.has_value());
  const auto size = log_size(*txn);
  REQUIRE(size.has_value());
  std::vector<LeafContent> out;
  TreeEdge tree;
  for (std::uint64_t index = 0; index < *size; ++index) {
    const auto leaf = leaf_at(*txn, index);
    REQUIRE(leaf.has_value());
    REQUIRE(leaf->has_value());
    const auto content = read_leaf(**leaf);
    INFO((content ? std::string() : content.error()));
    REQUIRE(content.has_value());
    REQUIRE(to_leaf(*content) == **leaf);
    tree.append(leaf_hash(**leaf), [](const Hash&) {});
    out.push_back(*content);
  }
  if (*size > 0) {
    const auto note = read_note(latest_checkpoint(*txn).value());
    REQUIRE(note.has_value());
    CHECK(open_checkpoint(*note, log_signer().key()) == Checkpoint{std::string(origin), *size, tree.root()});
  }
  return out;
}

std::vector<Receipt> entries(const Store& store) {
  std::vector<Receipt> out;
  for (const LeafContent& content : leaves(store)) {
    if (const auto* receipt = std::get_if<Receipt>(&content)) {
      out.push_back(*receipt);
    }
  }
  return out;
}

const Answer& Asked::answer() const {
  REQUIRE(answer_->has_value());
  return **answer_;
}

const ExecuteResult& Asked::result() const {
  const auto* refused = std::get_if<Refusal>(&answer());
  INFO((refused != nullptr ? refused->error.message : std::string()));
  REQUIRE(std::holds_alternative<ExecuteResult>(answer()));
  return std::get<ExecuteResult>(answer());
}

const CheckResult& Asked::check() const {
  REQUIRE(std::holds_alternative<CheckResult>(answer()));
  return std::get<CheckResult>(answer());
}

const Refusal& Asked::refusal() const {
  REQUIRE(std::holds_alternative<Refusal>(answer()));
  return std::get<Refusal>(answer());
}

Reply Asked::reply() {
  return [kept = answer_](Answer answer) {
    REQUIRE_FALSE(kept->has_value());
    *kept = std::move(answer);
  };
}

World::Parts::Parts(World& world)
    : committer(world.clock_, store_options(world.policy_, world.dir_), world.rules_, log_signer()),
      verifier(world.keyring_),
      engine(world.clock_, verifier, committer, world.runner_, world.registry_, world.keyring_, world.policy_) {}

World::World(Policy policy, CommitRules rules, UtcTime now)
    : policy_(std::move(policy)), rules_(rules), clock_(now), parts_(std::make_unique<Parts>(*this)) {}

Asked World::send(ExecuteRequest request, std::uint32_t uid) {
  Asked asked;
  engine().submit({{uid, uid, 42}, {}}, std::move(request), asked.reply());
  return asked;
}

Asked World::ask(ExecuteRequest request, std::uint32_t uid) {
  Asked asked = send(std::move(request), uid);
  settle();
  return asked;
}

void World::settle() {
  while (verifier().step() || committer().deliver() || committer().make_durable() || committer().finish_recovery()) {
  }
}

void World::crash() {
  parts_.reset();
  runner_.forget_running();
  parts_ = std::make_unique<Parts>(*this);
}

}  // namespace openexec::test
