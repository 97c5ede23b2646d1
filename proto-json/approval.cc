// SPDX-License-Identifier: Apache-2.0
#include "proto-json/approval.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"
#include "proto-json/names.h"

namespace openexec {
namespace {

constexpr std::string_view approval_id_member = "approval_id";
constexpr std::string_view tenant_id_member = "tenant_id";
constexpr std::string_view action_hash_member = "action_hash";
constexpr std::string_view issued_at_member = "issued_at";
constexpr std::string_view expires_at_member = "expires_at";
constexpr std::string_view signature_member = "signature";
constexpr std::array<std::string_view, 6> members{approval_id_member, tenant_id_member,  action_hash_member,
                                                  issued_at_member,   expires_at_member, signature_member};

std::unexpected<Error> malformed(std::string_view member, std::string_view wrong) {
  return fail(Reason::approval_malformed, fmt::format("Approval malformed: {} {}", member, wrong));
}

// Microseconds from the epoch to the start of a year: what to_text() can write lies between those of years 1 and 10000.
constexpr std::int64_t start_of_year_us(int year) {
  const std::chrono::sys_days start = std::chrono::year{year} / 1 / 1;
  return std::chrono::microseconds(start.time_since_epoch()).count();
}

bool is_writable(UtcTime time) { return time.us >= start_of_year_us(1) && time.us < start_of_year_us(10000); }

}  // namespace

std::string ClawshieldApproval::signed_message() const {
  return approval_id + tenant_id + action_hash + issued_at + expires_at;
}

Result<ClawshieldApproval> read_clawshield_approval(const Json& artifact, std::int64_t lifetime_s_max) {
  if (artifact.if_object() == nullptr) {
    return malformed("approval_artifact", "must be an object");
  }
  for (const std::string_view member : members) {
    if (artifact.find(member) == nullptr) {
      return malformed(member, "is missing");
    }
    if (artifact.find_string(member) == nullptr) {
      return malformed(member, "must be a string");
    }
  }
  ClawshieldApproval approval;
  approval.approval_id = *artifact.find_string(approval_id_member);
  approval.tenant_id = *artifact.find_string(tenant_id_member);
  approval.action_hash = *artifact.find_string(action_hash_member);
  approval.issued_at = *artifact.find_string(issued_at_member);
  approval.expires_at = *artifact.find_string(expires_at_member);

  if (!is_uuid_text(approval.approval_id)) {
    return malformed(approval_id_member, "must be a UUID of 36 characters");
  }
  if (!is_tenant_id(approval.tenant_id)) {
    return malformed(tenant_id_member,
                     fmt::format("must be 1 to {} bytes with no control characters", limits::tenant_id_bytes_max));
  }
  const std::optional<std::vector<std::uint8_t>> hash = from_hex(approval.action_hash);
  if (!hash || hash->size() != Hash::size_bytes) {
    return malformed(action_hash_member, "must be 64 lower-case hexadecimal digits");
  }
  const std::optional<UtcTime> issued = from_text(approval.issued_at);
  if (!issued) {
    return malformed(issued_at_member, "must be a time YYYY-MM-DDThh:mm:ss[.ffffff][Z|+hh:mm]");
  }
  const std::optional<UtcTime> expires = from_text(approval.expires_at);
  if (!expires) {
    return malformed(expires_at_member, "must be a time YYYY-MM-DDThh:mm:ss[.ffffff][Z|+hh:mm]");
  }
  if (*expires <= *issued) {
    return malformed(expires_at_member, "must be after issued_at");
  }
  const std::int64_t lifetime_s = (expires->us - issued->us + us_per_s - 1) / us_per_s;  // rounded up
  if (lifetime_s > lifetime_s_max) {
    return malformed(expires_at_member,
                     fmt::format("is more than {} s after issued_at, the longest lifetime allowed", lifetime_s_max));
  }
  approval.issued = *issued;
  approval.expires = *expires;

  if (const auto signature = from_base64(*artifact.find_string(signature_member))) {
    approval.signature = Signature::from(*signature);
  }
  return approval;
}

Json presented_approval(Json artifact) {
  Json::Object presented = artifact.take_members();
  std::erase_if(presented,
                [](const Member& member) { return std::ranges::find(members, member.key) == members.end(); });
  return Json::object(std::move(presented));
}

Hash presented_approval_hash(const Json& presented) { return sha256(to_compact(presented)); }

Result<Json> mint_clawshield_approval(const ApprovalTerms& terms, const SecretKey& key) {
  if (!is_action_name(terms.action)) {
    return malformed("action", fmt::format("must match [A-Za-z0-9_.:-]{{1,{}}}", limits::action_bytes_max));
  }
  if (terms.payload.if_object() == nullptr) {
    return malformed("payload", "must be an object");
  }
  if (!is_writable(terms.issued_at)) {
    return malformed(issued_at_member, "must lie in the years 0001 to 9999");
  }
  if (!is_writable(terms.expires_at)) {
    return malformed(expires_at_member, "must lie in the years 0001 to 9999");
  }
  const std::string action_hash = to_hex(sha256(canonical_request(terms.action, terms.payload)).view());
  const auto artifact = [&](std::string signature) {
    return Json::object({{std::string(approval_id_member), terms.approval_id},
                         {std::string(tenant_id_member), terms.tenant_id},
                         {std::string(action_hash_member), action_hash},
                         {std::string(issued_at_member), to_text(terms.issued_at)},
                         {std::string(expires_at_member), to_text(terms.expires_at)},
                         {std::string(signature_member), std::move(signature)}});
  };
  // The daemon's own reader judges the rest, so that nothing is signed that no daemon reads.
  const Result<ClawshieldApproval> approval =
      read_clawshield_approval(artifact(""), limits::approval_lifetime_s_ceiling);
  if (!approval) {
    return std::unexpected(approval.error());
  }
  return artifact(to_base64(key.sign(bytes_of(approval->signed_message())).view()));
}

}  // namespace openexec
