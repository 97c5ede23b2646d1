// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/approvals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "proto-json/approval.h"
#include "proto-json/check.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"
#include "proto-json/pem.h"

namespace openexec::simulation {
namespace {

constexpr std::size_t trusted_keys = 2;

// One UUID has many texts: every second time its letters are large.
std::string uuid_of(std::size_t number, bool upper) {
  return upper ? fmt::format("{:08X}-0000-4000-8000-AABBCCDDEEFF", number)
               : fmt::format("{:08x}-0000-4000-8000-aabbccddeeff", number);
}

struct Validity {
  std::int64_t begins_s;
  std::int64_t lasts_s;
};

Validity validity_of(ApprovalKind kind, Prng& prng) {
  switch (kind) {
    case ApprovalKind::short_lived:
      return {-2, prng.between(3, 12)};
    case ApprovalKind::expired:
      return {-600, prng.between(60, 600)};
    case ApprovalKind::issued_ahead:
      return {prng.between(25, 120), 3600};
    case ApprovalKind::lives_too_long:
      return {-5, limits::approval_lifetime_s_max + 1};
    case ApprovalKind::ends_before_it_begins:
      return {-5, -1};
    case ApprovalKind::good:
    case ApprovalKind::other_tenant:
    case ApprovalKind::altered:
    case ApprovalKind::signature_is_no_base64:
    case ApprovalKind::unknown_key:
    case ApprovalKind::no_uuid:
    case ApprovalKind::member_missing:
      return {prng.between(-60, 10), prng.between(300, 36000)};
  }
  return {0, 0};
}

std::optional<Reason> flaw_of(ApprovalKind kind) {
  switch (kind) {
    case ApprovalKind::altered:
    case ApprovalKind::signature_is_no_base64:
    case ApprovalKind::unknown_key:
      return Reason::approval_signature_invalid;
    case ApprovalKind::no_uuid:
    case ApprovalKind::member_missing:
    case ApprovalKind::lives_too_long:
    case ApprovalKind::ends_before_it_begins:
      return Reason::approval_malformed;
    case ApprovalKind::good:
    case ApprovalKind::short_lived:
    case ApprovalKind::expired:
    case ApprovalKind::issued_ahead:
    case ApprovalKind::other_tenant:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Approvers::Approvers(bool real) : real_(real) {
  for (std::size_t i = 0; i <= trusted_keys; ++i) {
    std::array<std::uint8_t, SecretKey::seed_bytes> seed{};
    seed[0] = static_cast<std::uint8_t>(i + 1);
    keys_.push_back(SecretKey::from_seed(seed));
    if (i < trusted_keys) {
      OPENEXEC_CHECK(keyring_.add_pem(fmt::format("approver-{}", i), to_public_key_pem(keys_.back().public_key())));
    }
  }
}

Signature Approvers::sign(std::size_t signer, std::string_view message) const {
  if (real_) {
    return keys_[signer].sign(bytes_of(message));
  }
  const Hash hash = sha256(fmt::format("{}/{}", signer, message));
  Signature signature;
  std::ranges::copy(hash.data, signature.data.begin());
  return signature;
}

std::optional<std::size_t> Approvers::signer_of(const SignatureCheck& check) const {
  if (real_) {
    return find_signer(keyring_, check);
  }
  for (std::size_t signer = 0; signer < trusted_keys; ++signer) {
    if (sign(signer, check.message) == check.signature) {
      return signer;
    }
  }
  return std::nullopt;
}

Approval Approvers::mint(ApprovalKind kind, const Work& work, const std::string& tenant, std::size_t number,
                         UtcTime now, Prng& prng) const {
  const Validity validity = validity_of(kind, prng);
  Approval approval;
  approval.tenant = kind == ApprovalKind::other_tenant ? tenant + "-other" : tenant;
  approval.number = number;
  approval.work = work;
  approval.issued = plus_s(now, validity.begins_s);
  approval.expires = plus_s(approval.issued, validity.lasts_s);
  approval.signer = kind == ApprovalKind::unknown_key ? trusted_keys : prng.below(trusted_keys);
  approval.flaw = flaw_of(kind);

  ClawshieldApproval signed_part;
  signed_part.approval_id =
      kind == ApprovalKind::no_uuid ? fmt::format("approval-{}", number) : uuid_of(number, prng.chance(500));
  signed_part.tenant_id = approval.tenant;
  signed_part.action_hash = to_hex(sha256(canonical_request(work.action, payload_of(work))).view());
  signed_part.issued_at = prng.chance(500) ? to_text(approval.issued) : to_seed_text(approval.issued);
  signed_part.expires_at = prng.chance(500) ? to_text(approval.expires) : to_seed_text(approval.expires);
  Signature signature = sign(approval.signer, signed_part.signed_message());
  if (kind == ApprovalKind::altered) {
    signature.data.at(prng.below(32)) ^= 1U;
  }
  const std::string text = to_base64(signature.view());
  std::vector<Member> members = {{"approval_id", signed_part.approval_id},
                                 {"tenant_id", signed_part.tenant_id},
                                 {"action_hash", signed_part.action_hash},
                                 {"expires_at", signed_part.expires_at},
                                 {"signature", kind == ApprovalKind::signature_is_no_base64 ? text + "!" : text}};
  if (kind != ApprovalKind::member_missing) {
    members.push_back({"issued_at", signed_part.issued_at});
  }
  approval.artifact = Json::object(std::move(members));
  return approval;
}

}  // namespace openexec::simulation
