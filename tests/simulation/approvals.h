// SPDX-License-Identifier: Apache-2.0
// Approvals of every kind, good and bad, and the approvers who sign them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/keyring.h"
#include "proto-json/crypto.h"
#include "proto-json/error.h"
#include "proto-json/json.h"
#include "proto-json/utc_time.h"
#include "tests/simulation/actions.h"
#include "tests/simulation/prng.h"

namespace openexec::simulation {

enum class ApprovalKind : std::uint8_t {
  good,
  short_lived,
  expired,
  issued_ahead,  // not yet valid, unless the clock gets there
  other_tenant,
  altered,  // a byte of the signature differs
  signature_is_no_base64,
  unknown_key,
  no_uuid,
  member_missing,
  lives_too_long,
  ends_before_it_begins,
};
inline constexpr std::size_t approval_kind_count = 12;

struct Approval {
  Json artifact;
  std::string tenant;      // as it says
  std::size_t number = 0;  // of its id: two artifacts may share one
  Work work;
  UtcTime issued;
  UtcTime expires;
  std::size_t signer = 0;
  std::optional<Reason> flaw;  // whatever is asked with it and whenever
};

class Approvers {
 public:
  // `real`: Ed25519. Else a hash stands for the signature, which costs nothing and can be told just as well.
  explicit Approvers(bool real);

  [[nodiscard]] const Keyring& keyring() const { return keyring_; }
  // What the simulated Verifier answers.
  [[nodiscard]] std::optional<std::size_t> signer_of(const SignatureCheck& check) const;

  Approval mint(ApprovalKind kind, const Work& work, const std::string& tenant, std::size_t number, UtcTime now,
                Prng& prng) const;

 private:
  [[nodiscard]] Signature sign(std::size_t signer, std::string_view message) const;

  bool real_;
  std::vector<SecretKey> keys_;  // the last is in no keyring
  Keyring keyring_;
};

}  // namespace openexec::simulation
