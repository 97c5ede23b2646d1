// SPDX-License-Identifier: Apache-2.0
#include "tests/support/openexecd.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "proto-json/approval.h"
#include "proto-json/canonical.h"
#include "proto-json/encoding.h"
#include "proto-json/pem.h"
#include "proto-json/utc_time.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

UtcTime now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count()};
}

}  // namespace

// --- approvals ---

Approver Approver::trusted() {
  init_crypto();
  auto key = read_secret_key_pem(string_member(vectors("clawshield-v1"), "private_key_pem"));
  REQUIRE(key.has_value());
  return Approver(*std::move(key));
}

Approver Approver::other() {
  init_crypto();
  constexpr std::array<std::uint8_t, SecretKey::seed_bytes> seed{7, 7, 7};
  return Approver(SecretKey::from_seed(seed));
}

std::string Approver::public_key_pem() const { return to_public_key_pem(key_.public_key()); }

Json Approver::approve(std::string_view action, const Json& payload, const ApprovalChoices& choices) const {
  const UtcTime issued = now();
  const ApprovalTerms terms{choices.approval_id.empty() ? new_approval_id() : choices.approval_id,
                            choices.tenant_id,
                            std::string(action),
                            payload,
                            plus_s(issued, choices.issued_s),
                            plus_s(issued, choices.expires_s)};
  auto artifact = mint_clawshield_approval(terms, key_);
  INFO((artifact ? std::string() : artifact.error().message));
  REQUIRE(artifact.has_value());
  return *std::move(artifact);
}

std::string Approver::sign(std::string_view message) const { return to_base64(key_.sign(bytes_of(message)).view()); }

std::string new_approval_id() {
  static std::uint64_t count = 0;
  ++count;
  const std::string seed = std::to_string(now().us) + "/" + std::to_string(count);
  const Hash hash = sha256(seed);
  return to_uuid_text(ExecutionId::from(hash.view().first(ExecutionId::size_bytes)).value());
}

Json with_member(const Json& object, std::string_view name, const Json& value) {
  std::vector<Member> members;
  for (const Member& member : *object.if_object()) {
    if (member.key != name) {
      members.push_back(member);
    }
  }
  if (!value.is_null()) {
    members.push_back({std::string(name), value});
  }
  return Json::object(std::move(members));
}

// --- daemons ---

DaemonOptions demo_daemon(const std::string& binary) {
  DaemonOptions options;
  options.binary = binary;
  return options;
}

DaemonOptions clawshield_daemon(const std::string& binary, std::string_view tenant_id) {
  DaemonOptions options;
  options.binary = binary;
  options.env = {"OPENEXEC_MODE=clawshield", "CLAWSHIELD_PUBLIC_KEY=" + Approver::trusted().public_key_pem(),
                 "CLAWSHIELD_TENANT_ID=" + std::string(tenant_id)};
  return options;
}

std::vector<std::string> Effects::lines() const {
  std::vector<std::string> out;
  std::ifstream file(path());  // not there before the first effect
  std::string line;
  while (std::getline(file, line)) {
    out.push_back(line);
  }
  return out;
}

std::size_t Effects::count(std::string_view tag) const {
  const auto all = lines();
  return static_cast<std::size_t>(std::count(all.begin(), all.end(), tag));
}

void Effects::wait_for(std::string_view tag) const {
  const auto until = std::chrono::steady_clock::now() + generous_deadline;
  while (count(tag) == 0) {
    if (std::chrono::steady_clock::now() > until) {
      throw std::runtime_error("no run left " + std::string(tag));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

Json tag_payload(std::string_view tag) { return Json::object({{"tag", tag}}); }

// --- requests and answers ---

Json execute_params(std::string_view action, const Json& payload, std::string_view nonce,
                    const std::optional<Json>& approval) {
  std::vector<Member> members{{"action", action}, {"payload", payload}, {"nonce", nonce}};
  if (approval) {
    members.push_back({"approval_artifact", *approval});
  }
  return Json::object(std::move(members));
}

std::string Answer::reason() const {
  const Json* error = reply.find("error");
  return error == nullptr ? std::string() : string_member(member(*error, "data"), "reason");
}

std::optional<std::int64_t> Answer::denial_index() const {
  const Json* error = reply.find("error");
  const Json* receipt = error == nullptr ? nullptr : member(*error, "data").find("receipt");
  const Json* index = receipt == nullptr ? nullptr : receipt->find("index");
  return index == nullptr ? std::nullopt : std::optional(*index->if_int());
}

const Json& Answer::result() const {
  INFO(to_compact(reply).substr(0, 1000));
  return member(reply, "result");
}

std::string Answer::id() const { return string_member(result(), "id"); }
std::string Answer::receipt() const { return string_member(result(), "receipt"); }
bool Answer::replayed() const { return bool_member(result(), "replayed"); }

std::int64_t Answer::index() const {
  const std::int64_t* index = member(member(result(), "log"), "index").if_int();
  REQUIRE(index != nullptr);
  return *index;
}

Json without_replayed(const Answer& answer) { return with_member(answer.result(), "replayed", nullptr); }

Answer call(AgentSocket& socket, std::string_view method, const Json& params) { return {socket.call(method, params)}; }

Answer execute(AgentSocket& socket, std::string_view action, const Json& payload, std::string_view nonce,
               const std::optional<Json>& approval) {
  return call(socket, "execute", execute_params(action, payload, nonce, approval));
}

std::vector<Json> log_of(AgentSocket& socket, std::size_t from) {
  std::vector<Json> out;
  while (true) {
    const auto next = static_cast<std::int64_t>(from + out.size());
    const Answer answer = call(socket, "receipts/get", Json::object({{"index", next}}));
    if (!answer.succeeded()) {
      REQUIRE(answer.reason() == "receipt_not_found");
      return out;
    }
    out.push_back(member(answer.result(), "receipt"));
  }
}

std::optional<Json> receipt_by_nonce(AgentSocket& socket, std::string_view nonce) {
  const Answer answer = call(socket, "receipts/get", Json::object({{"nonce", nonce}}));
  if (!answer.succeeded()) {
    REQUIRE(answer.reason() == "receipt_not_found");
    return std::nullopt;
  }
  return member(answer.result(), "receipt");
}

void wait_until_claimed(const std::string& socket_path, std::string_view nonce) {
  AgentSocket socket(socket_path);
  const auto until = std::chrono::steady_clock::now() + generous_deadline;
  while (!receipt_by_nonce(socket, nonce)) {
    if (std::chrono::steady_clock::now() > until) {
      throw std::runtime_error("nonce " + std::string(nonce) + " was never claimed");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace openexec::test
