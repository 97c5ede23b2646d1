// SPDX-License-Identifier: Apache-2.0
// Ed25519 keys as PEM (RFC 7468, RFC 8410): what `openssl genpkey -algorithm ed25519` writes. Read by their fixed DER
// prefix: 44 bytes of SubjectPublicKeyInfo, 48 of PKCS#8 (version 1, no attributes).
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "proto-json/bytes.h"
#include "proto-json/crypto.h"

namespace openexec {

// Errors are texts for an operator ("not an Ed25519 key: …"): these files are configuration, not requests. They never
// quote the file. White space around the one PEM block is accepted, anything else is not; CRLF line ends are.
std::expected<PublicKey, std::string> read_public_key_pem(std::string_view pem);
std::expected<SecretKey, std::string> read_secret_key_pem(std::string_view pem);

std::string to_public_key_pem(const PublicKey& key);
// Holds the secret: wipe() it after use.
std::string to_secret_key_pem(const SecretKey& key);

// hex SHA-256 of the DER public key (44 bytes): the `key_id` of receipts.
std::string key_id(const PublicKey& key);

}  // namespace openexec
