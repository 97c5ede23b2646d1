// SPDX-License-Identifier: Apache-2.0
#include "proto-json/approval.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"
#include "proto-json/pem.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

const std::vector<std::string> six_members{"approval_id", "tenant_id",  "action_hash",
                                           "issued_at",   "expires_at", "signature"};

// The checks of docs/protocol.md in their order; nothing when the approval lets this request run.
std::optional<Reason> judge(const Json& request, const PublicKey& key, std::string_view tenant_id, UtcTime now) {
  const Json* artifact = request.find("approval_artifact");
  if (artifact == nullptr) {
    return Reason::approval_required;
  }
  const Result<ClawshieldApproval> approval = read_clawshield_approval(*artifact);
  if (!approval) {
    return approval.error().reason;
  }
  if (!approval->signature || !verify_signature(key, bytes_of(approval->signed_message()), *approval->signature)) {
    return Reason::approval_signature_invalid;
  }
  if (approval->tenant_id != tenant_id) {
    return Reason::approval_tenant_mismatch;
  }
  const Json* payload = request.find("payload");
  const std::string canonical =
      canonical_request(string_member(request, "action"), payload == nullptr ? Json::object({}) : *payload);
  if (approval->action_hash != to_hex(sha256(canonical).view())) {
    return Reason::approval_mismatch;
  }
  if (now >= approval->expires) {
    return Reason::approval_expired;
  }
  if (approval->issued > plus_s(now, limits::clock_skew_s)) {
    return Reason::approval_not_yet_valid;
  }
  return std::nullopt;
}

SecretKey vector_secret_key() {
  init_crypto();
  return read_secret_key_pem(string_member(vectors("clawshield-v1"), "private_key_pem")).value();
}

PublicKey vector_public_key() {
  init_crypto();
  return read_public_key_pem(string_member(vectors("clawshield-v1"), "public_key_pem")).value();
}

ApprovalTerms good_terms() {
  ApprovalTerms terms;
  terms.approval_id = "3f0e9a52-6c1f-4c55-8d55-0d1a7b0c9e11";
  terms.tenant_id = "tenant-001";
  terms.action = "echo";
  terms.payload = parsed(R"({"msg":"é","n":1.5})");
  terms.issued_at = from_text("2026-11-21T12:00:00").value();
  terms.expires_at = from_text("2026-11-21T12:05:00.000001").value();
  return terms;
}

// The artifact with one member replaced, or left out.
Json with(const Json& artifact, const std::string& key, const std::optional<Json>& value) {
  std::vector<Member> members = *artifact.if_object();
  std::erase_if(members, [&](const Member& member) { return member.key == key; });
  if (value) {
    members.push_back({key, *value});
  }
  return Json::object(std::move(members));
}

bool is_malformed_at(const Json& artifact, std::string_view named) {
  const Result<ClawshieldApproval> approval = read_clawshield_approval(artifact);
  return !approval && approval.error().reason == Reason::approval_malformed &&
         approval.error().message.find(named) != std::string::npos;
}

TEST_CASE("every ClawShield v1 vector is accepted or refused for its reason") {
  const PublicKey key = vector_public_key();
  const Json::Array cases = vector_cases("clawshield-v1");
  CHECK(cases.size() == 66);
  for (const Json& test : cases) {
    INFO(string_member(test, "name"));
    const std::optional<Reason> reason = judge(member(test, "request"), key, string_member(test, "tenant_id"),
                                               from_text(string_member(test, "now")).value());
    CHECK(reason.has_value() == !bool_member(test, "accept"));
    const std::string name = reason ? std::string(info(*reason).name) : "accepted";
    const Json& expected = member(test, "reason");
    CHECK(name == (expected.is_null() ? "accepted" : *expected.if_string()));
  }
}

TEST_CASE("no accepted vector verifies under another key") {
  init_crypto();
  const PublicKey other = read_public_key_pem(string_member(vectors("clawshield-v1"), "other_public_key_pem")).value();
  for (const Json& test : vector_cases("clawshield-v1")) {
    if (bool_member(test, "accept")) {
      CHECK(judge(member(test, "request"), other, string_member(test, "tenant_id"),
                  from_text(string_member(test, "now")).value()) == Reason::approval_signature_invalid);
    }
  }
}

TEST_CASE("an approval that was minted is read and verifies for that very request") {
  const SecretKey key = vector_secret_key();
  const ApprovalTerms terms = good_terms();
  const Json artifact = mint_clawshield_approval(terms, key).value();
  REQUIRE(artifact.if_object() != nullptr);
  CHECK(artifact.if_object()->size() == six_members.size());

  const Result<ClawshieldApproval> approval = read_clawshield_approval(artifact);
  REQUIRE(approval);
  CHECK(approval->approval_id == terms.approval_id);
  CHECK(approval->tenant_id == terms.tenant_id);
  CHECK(approval->issued == terms.issued_at);
  CHECK(approval->expires == terms.expires_at);
  CHECK(approval->issued_at == "2026-11-21T12:00:00.000000Z");

  const auto request = [&](std::string_view action, const Json& payload) {
    return Json::object({{"action", action}, {"payload", payload}, {"approval_artifact", artifact}});
  };
  const PublicKey public_key = key.public_key();
  const UtcTime now = terms.issued_at;
  CHECK(judge(request("echo", terms.payload), public_key, "tenant-001", now) == std::nullopt);
  CHECK(judge(request("add", terms.payload), public_key, "tenant-001", now) == Reason::approval_mismatch);
  CHECK(judge(request("echo", Json::object({})), public_key, "tenant-001", now) == Reason::approval_mismatch);
  CHECK(judge(request("echo", terms.payload), public_key, "tenant-002", now) == Reason::approval_tenant_mismatch);
}

TEST_CASE("an approval is good from its issue less the skew until just before its expiry") {
  const SecretKey key = vector_secret_key();
  const ApprovalTerms terms = good_terms();
  const Json request = Json::object({{"action", terms.action},
                                     {"payload", terms.payload},
                                     {"approval_artifact", mint_clawshield_approval(terms, key).value()}});
  const auto at = [&](UtcTime now) { return judge(request, key.public_key(), terms.tenant_id, now); };
  const UtcTime earliest = plus_s(terms.issued_at, -limits::clock_skew_s);
  CHECK(at(earliest) == std::nullopt);
  CHECK(at({earliest.us - 1}) == Reason::approval_not_yet_valid);
  CHECK(at({terms.expires_at.us - 1}) == std::nullopt);
  CHECK(at(terms.expires_at) == Reason::approval_expired);
}

TEST_CASE("an approval verifies no more when any bit of its signature is flipped") {
  const SecretKey key = vector_secret_key();
  const ClawshieldApproval approval =
      read_clawshield_approval(mint_clawshield_approval(good_terms(), key).value()).value();
  const std::string message = approval.signed_message();
  REQUIRE(verify_signature(key.public_key(), bytes_of(message), approval.signature.value()));
  for (std::size_t bit = 0; bit < 8 * Signature::size_bytes; ++bit) {
    Signature other = *approval.signature;
    other.data[bit / 8] = static_cast<std::uint8_t>(other.data[bit / 8] ^ (1U << (bit % 8)));
    CHECK_FALSE(verify_signature(key.public_key(), bytes_of(message), other));
  }
}

TEST_CASE("an approval is refused when any character of any member is changed") {
  const SecretKey key = vector_secret_key();
  const PublicKey public_key = key.public_key();
  const ApprovalTerms terms = good_terms();
  const Json artifact = mint_clawshield_approval(terms, key).value();
  for (const std::string& name : six_members) {
    const std::string text = string_member(artifact, name);
    for (std::size_t at = 0; at < text.size(); ++at) {
      for (const char replacement : {'0', '1', 'a', 'F', '-', ':', 'T', 'Z', '=', '+', ' ', '\n'}) {
        std::string changed = text;
        changed[at] = replacement;
        if (changed == text) {
          continue;
        }
        const Json request = Json::object({{"action", terms.action},
                                           {"payload", terms.payload},
                                           {"approval_artifact", with(artifact, name, Json(changed))}});
        INFO(name << " " << changed);
        REQUIRE(judge(request, public_key, terms.tenant_id, terms.issued_at).has_value());
      }
    }
  }
}

TEST_CASE("bytes moved between two members of an approval do not keep it valid") {
  const SecretKey key = vector_secret_key();
  const ApprovalTerms terms = good_terms();
  const Json artifact = mint_clawshield_approval(terms, key).value();
  const std::string message = read_clawshield_approval(artifact).value().signed_message();
  // The message names no borders: try each way of moving some bytes over the border of two neighbours.
  for (std::size_t left = 0; left + 2 < six_members.size(); ++left) {
    const std::string both =
        string_member(artifact, six_members[left]) + string_member(artifact, six_members[left + 1]);
    const std::size_t border = string_member(artifact, six_members[left]).size();
    for (std::size_t cut = 0; cut <= both.size(); ++cut) {
      const Json moved = with(with(artifact, six_members[left], Json(both.substr(0, cut))), six_members[left + 1],
                              Json(both.substr(cut)));
      const Result<ClawshieldApproval> approval = read_clawshield_approval(moved);
      INFO(six_members[left] << " cut at " << cut);
      CHECK(approval.has_value() == (cut == border));
      if (approval) {
        CHECK(approval->signed_message() == message);
      }
    }
  }
}

TEST_CASE("a malformed approval is refused, naming the member") {
  const Json good = mint_clawshield_approval(good_terms(), vector_secret_key()).value();
  REQUIRE(read_clawshield_approval(good));
  for (const std::string& name : six_members) {
    CHECK(is_malformed_at(with(good, name, std::nullopt), name));
    CHECK(is_malformed_at(with(good, name, Json(nullptr)), name));
    CHECK(is_malformed_at(with(good, name, Json(1)), name));
    CHECK(is_malformed_at(with(good, name, Json::object({})), name));
    if (name != "signature") {
      CHECK(is_malformed_at(with(good, name, Json("")), name));
    }
  }
  for (const Json& artifact : {Json(nullptr), Json("x"), Json(1), Json(Json::Array{good})}) {
    CHECK(is_malformed_at(artifact, "approval_artifact"));
  }
  CHECK(is_malformed_at(with(good, "approval_id", Json("3f0e9a526c1f4c558d550d1a7b0c9e11")), "approval_id"));
  CHECK(is_malformed_at(with(good, "approval_id", Json("{3f0e9a52-6c1f-4c55-8d55-0d1a7b0c9e1}")), "approval_id"));
  CHECK(is_malformed_at(with(good, "tenant_id", Json(std::string(129, 't'))), "tenant_id"));
  CHECK(is_malformed_at(with(good, "tenant_id", Json(std::string("a\0b", 3))), "tenant_id"));
  CHECK(is_malformed_at(with(good, "tenant_id", Json("a\nb")), "tenant_id"));
  CHECK(is_malformed_at(with(good, "action_hash", Json(std::string(64, 'A'))), "action_hash"));
  CHECK(is_malformed_at(with(good, "action_hash", Json(std::string(62, 'a'))), "action_hash"));
  CHECK(is_malformed_at(with(good, "action_hash", Json(std::string(66, 'a'))), "action_hash"));
  CHECK(is_malformed_at(with(good, "issued_at", Json("2026-11-21")), "issued_at"));
  CHECK(is_malformed_at(with(good, "issued_at", Json("2026-02-30T00:00:00Z")), "issued_at"));
  CHECK(is_malformed_at(with(good, "expires_at", Json("2026-11-21T12:04:00.1234567Z")), "expires_at"));
  CHECK(is_malformed_at(with(good, "expires_at", Json("2026-11-21T12:04:00Z ")), "expires_at"));
}

TEST_CASE("an approval in capitals or with offsets in its times is well formed") {
  const Json good = mint_clawshield_approval(good_terms(), vector_secret_key()).value();
  CHECK(read_clawshield_approval(with(good, "approval_id", Json("3F0E9A52-6C1F-4C55-8D55-0D1A7B0C9E11"))));
  const Result<ClawshieldApproval> approval =
      read_clawshield_approval(with(good, "issued_at", Json("2026-11-21T13:59:00+02:00")));
  REQUIRE(approval);
  CHECK(approval->issued == from_text("2026-11-21T11:59:00Z"));
  CHECK(approval->issued_at == "2026-11-21T13:59:00+02:00");
}

TEST_CASE("a lifetime is more than nothing and at most the maximum") {
  const SecretKey key = vector_secret_key();
  ApprovalTerms terms = good_terms();
  const auto reads = [&](std::int64_t lifetime_us, std::int64_t lifetime_s_max) {
    terms.expires_at = {terms.issued_at.us + lifetime_us};
    const Result<Json> artifact = mint_clawshield_approval(terms, key);
    return artifact && read_clawshield_approval(*artifact, lifetime_s_max).has_value();
  };
  const std::int64_t day_us = limits::approval_lifetime_s_max * us_per_s;
  CHECK(reads(1, limits::approval_lifetime_s_max));
  CHECK_FALSE(reads(0, limits::approval_lifetime_s_max));
  CHECK_FALSE(reads(-1, limits::approval_lifetime_s_max));
  CHECK(reads(day_us, limits::approval_lifetime_s_max));
  CHECK_FALSE(reads(day_us + 1, limits::approval_lifetime_s_max));
  CHECK(reads(day_us + 1, limits::approval_lifetime_s_max + 1));
  CHECK(reads(60 * us_per_s, 60));
  CHECK_FALSE(reads(60 * us_per_s + 1, 60));
}

TEST_CASE("a signature that is not the canonical base64 of 64 bytes is read as none") {
  const Json good = mint_clawshield_approval(good_terms(), vector_secret_key()).value();
  const std::string signature = string_member(good, "signature");
  REQUIRE(read_clawshield_approval(good).value().signature);
  std::string unused_bits = signature;
  unused_bits[85] = unused_bits[85] == 'x' ? 'y' : 'x';  // of the last digit only two bits count
  for (const std::string& text :
       {std::string(), signature.substr(0, 86), signature + "\n", " " + signature, signature + "AAAA",
        to_base64(ByteView()), signature.substr(0, 84), unused_bits, std::string("!") + signature.substr(1)}) {
    INFO(text);
    const Result<ClawshieldApproval> approval = read_clawshield_approval(with(good, "signature", Json(text)));
    REQUIRE(approval);
    CHECK_FALSE(approval->signature.has_value());
  }
}

TEST_CASE("the approval as presented is those of the six members that are there, whatever they are") {
  const Json good = mint_clawshield_approval(good_terms(), vector_secret_key()).value();
  CHECK(presented_approval(good) == good);
  CHECK(presented_approval(with(good, "extra", Json(1))) == good);
  CHECK(presented_approval_hash(presented_approval(with(good, "extra", Json(1)))) == presented_approval_hash(good));
  CHECK(presented_approval(parsed(R"({"z":1,"tenant_id":[null],"signature":2})")) ==
        parsed(R"({"signature":2,"tenant_id":[null]})"));
  CHECK(presented_approval(Json::object({})) == Json::object({}));
  CHECK(presented_approval(Json("text")) == Json::object({}));
  CHECK(presented_approval_hash(good) == sha256(to_compact(good)));
  for (const std::string& name : six_members) {
    CHECK(presented_approval_hash(presented_approval(with(good, name, Json("other")))) !=
          presented_approval_hash(good));
  }
}

TEST_CASE("terms that no daemon would accept are not signed") {
  const SecretKey key = vector_secret_key();
  REQUIRE(mint_clawshield_approval(good_terms(), key));
  const auto refused = [&](void (*spoil)(ApprovalTerms&), std::string_view named) {
    ApprovalTerms terms = good_terms();
    spoil(terms);
    const Result<Json> artifact = mint_clawshield_approval(terms, key);
    return !artifact && artifact.error().reason == Reason::approval_malformed &&
           artifact.error().message.find(named) != std::string::npos;
  };
  CHECK(refused([](ApprovalTerms& terms) { terms.approval_id = "1"; }, "approval_id"));
  CHECK(refused([](ApprovalTerms& terms) { terms.tenant_id = ""; }, "tenant_id"));
  CHECK(refused([](ApprovalTerms& terms) { terms.tenant_id = "\xff"; }, "tenant_id"));
  CHECK(refused([](ApprovalTerms& terms) { terms.action = "rm -rf"; }, "action"));
  CHECK(refused([](ApprovalTerms& terms) { terms.payload = nullptr; }, "payload"));
  CHECK(refused([](ApprovalTerms& terms) { terms.payload = Json::Array{}; }, "payload"));
  CHECK(refused([](ApprovalTerms& terms) { terms.expires_at = terms.issued_at; }, "expires_at"));
  CHECK(refused([](ApprovalTerms& terms) { terms.expires_at = plus_s(terms.issued_at, 367LL * 86400); }, "expires_at"));
  CHECK(refused([](ApprovalTerms& terms) { terms.issued_at = {-62135596800LL * us_per_s - 1}; }, "issued_at"));
  CHECK(refused([](ApprovalTerms& terms) { terms.expires_at = {253402300800LL * us_per_s}; }, "expires_at"));
}

}  // namespace
}  // namespace openexec
