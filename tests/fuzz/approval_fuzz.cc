// SPDX-License-Identifier: Apache-2.0
// Any bytes as an approval, as a payload to approve and as a key file. What is read must be what the formats promise,
// and nothing verifies that the key did not sign.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto-json/approval.h"
#include "proto-json/canonical.h"
#include "proto-json/check.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"
#include "proto-json/json.h"
#include "proto-json/pem.h"

namespace {

using namespace openexec;

// A key that signs here only: no input carries a signature of its making.
const SecretKey& fuzz_key() {
  static const SecretKey key = [] {
    init_crypto();
    return SecretKey::from_seed(sha256("the key of the fuzz target").data);
  }();
  return key;
}

void check_read(const ClawshieldApproval& approval, const Json& presented) {
  OPENEXEC_CHECK(is_uuid_text(approval.approval_id));
  OPENEXEC_CHECK(!approval.tenant_id.empty() && approval.tenant_id.size() <= limits::tenant_id_bytes_max);
  OPENEXEC_CHECK(approval.action_hash.size() == 2 * Hash::size_bytes && from_hex(approval.action_hash));
  OPENEXEC_CHECK(from_text(approval.issued_at) == approval.issued);
  OPENEXEC_CHECK(from_text(approval.expires_at) == approval.expires);
  OPENEXEC_CHECK(approval.issued < approval.expires);
  OPENEXEC_CHECK(approval.expires <= plus_s(approval.issued, limits::approval_lifetime_s_max));

  std::string message;
  for (const std::string_view member : {"approval_id", "tenant_id", "action_hash", "issued_at", "expires_at"}) {
    message += *presented.find_string(member);
  }
  OPENEXEC_CHECK(approval.signed_message() == message);
  if (approval.signature) {
    OPENEXEC_CHECK(to_base64(approval.signature->view()) == *presented.find_string("signature"));
    OPENEXEC_CHECK(!verify_signature(fuzz_key().public_key(), bytes_of(message), *approval.signature));
  }
}

void check_artifact(const Json& artifact) {
  const Json presented = presented_approval(artifact);
  OPENEXEC_CHECK(presented.if_object()->size() <= 6);
  OPENEXEC_CHECK(presented_approval(presented) == presented);
  OPENEXEC_CHECK(parse_json(to_compact(presented)) == presented);

  const Result<ClawshieldApproval> approval = read_clawshield_approval(artifact);
  if (!approval) {
    OPENEXEC_CHECK(approval.error().reason == Reason::approval_malformed && !approval.error().message.empty());
    return;
  }
  check_read(*approval, presented);
  OPENEXEC_CHECK(read_clawshield_approval(presented).has_value());
}

// Whatever object is approved: the artifact is good for it.
void check_mint(const Json& payload) {
  ApprovalTerms terms;
  terms.approval_id = "3f0e9a52-6c1f-4c55-8d55-0d1a7b0c9e11";
  terms.tenant_id = "tenant-001";
  terms.action = "echo";
  terms.payload = payload;
  terms.expires_at = plus_s(terms.issued_at, 60);
  const Result<Json> artifact = mint_clawshield_approval(terms, fuzz_key());
  OPENEXEC_CHECK(artifact.has_value());
  const Result<ClawshieldApproval> approval = read_clawshield_approval(*artifact);
  OPENEXEC_CHECK(approval && approval->signature);
  OPENEXEC_CHECK(verify_signature(fuzz_key().public_key(), bytes_of(approval->signed_message()), *approval->signature));
  OPENEXEC_CHECK(approval->action_hash == to_hex(sha256(canonical_request(terms.action, payload)).view()));
}

void check_pem(std::string_view pem) {
  const auto public_key = read_public_key_pem(pem);
  const auto secret_key = read_secret_key_pem(pem);
  OPENEXEC_CHECK(!public_key || !secret_key);
  OPENEXEC_CHECK(public_key || !public_key.error().empty());
  OPENEXEC_CHECK(secret_key || !secret_key.error().empty());
  if (public_key) {
    OPENEXEC_CHECK(read_public_key_pem(to_public_key_pem(*public_key)) == *public_key);
  }
  if (secret_key) {
    const auto again = read_secret_key_pem(to_secret_key_pem(*secret_key));
    OPENEXEC_CHECK(again && again->public_key() == secret_key->public_key());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz_key();
  const std::string_view text = text_of({data, size});
  check_pem(text);
  if (const auto json = parse_json(text)) {
    check_artifact(*json);
    if (json->if_object() != nullptr) {
      check_mint(*json);
    }
  }
  return 0;
}
