// SPDX-License-Identifier: Apache-2.0
// Signers of notes, each with the key that its name makes.
#pragma once

#include <string>

#include "proto-json/checkpoint.h"
#include "proto-json/crypto.h"

namespace openexec {

inline NoteSigner test_signer(const std::string& name, NoteKeyType type) {
  init_crypto();
  return {name, type, SecretKey::from_seed(sha256("test key of " + name).data)};
}
inline NoteSigner test_log(const std::string& name) { return test_signer(name, NoteKeyType::ed25519); }
inline NoteSigner test_witness(const std::string& name) { return test_signer(name, NoteKeyType::cosignature); }

}  // namespace openexec
