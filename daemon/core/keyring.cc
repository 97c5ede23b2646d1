// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/keyring.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto-json/crypto.h"
#include "proto-json/limits.h"
#include "proto-json/names.h"
#include "proto-json/pem.h"

namespace openexec {

std::expected<void, std::string> Keyring::add_pem(std::string name, std::string_view pem) {
  if (!is_approver_name(name)) {  // it stands in receipts
    return std::unexpected(fmt::format("the key's name must be 1 to {} bytes of UTF-8 with no control characters",
                                       limits::approver_name_bytes_max));
  }
  auto key = read_public_key_pem(pem);
  if (!key) {
    return std::unexpected(std::move(key.error()));
  }
  if (std::any_of(approvers_.begin(), approvers_.end(), [&](const Approver& known) { return known.key == *key; })) {
    return {};
  }
  if (approvers_.size() == limits::approver_keys_max) {
    return std::unexpected(fmt::format("more than {} approver keys", limits::approver_keys_max));
  }
  approvers_.push_back({std::move(name), key_id(*key), *key});
  return {};
}

std::optional<std::size_t> find_signer(const Keyring& keyring, const SignatureCheck& check) {
  const auto& approvers = keyring.approvers();
  for (std::size_t i = 0; i < approvers.size(); ++i) {
    if (verify_signature(approvers[i].key, bytes_of(check.message), check.signature)) {
      return i;
    }
  }
  return std::nullopt;
}

}  // namespace openexec
