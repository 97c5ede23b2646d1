// SPDX-License-Identifier: Apache-2.0
// The approvers this daemon trusts: public keys only. Sealed at start.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/bytes.h"

namespace openexec {

struct Approver {
  std::string name;    // for people: the key file's stem, or "CLAWSHIELD_PUBLIC_KEY"
  std::string key_id;  // hex SHA-256 of the DER key
  PublicKey key;
};

class Keyring {
 public:
  // Adds a PEM public key. A key that is there already is added once. Errors are texts for an operator.
  std::expected<void, std::string> add_pem(std::string name, std::string_view pem);

  [[nodiscard]] bool empty() const { return approvers_.empty(); }
  [[nodiscard]] const std::vector<Approver>& approvers() const { return approvers_; }

 private:
  std::vector<Approver> approvers_;
};

// What a signature check needs, so that it can run on any thread.
struct SignatureCheck {
  std::string message;
  Signature signature;
};

// The approver whose key verifies it, as an index into approvers(). Costs up to one Ed25519 verification a key.
std::optional<std::size_t> find_signer(const Keyring& keyring, const SignatureCheck& check);

}  // namespace openexec
