// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include "daemon/core/keyring.h"

namespace openexec {

// The approver who signed, as an index into the keyring; nothing when no key verifies.
using VerifyDone = std::move_only_function<void(std::optional<std::size_t>)>;

// Checks signatures, maybe on a worker. Calls back on the engine's thread, never from inside verify().
struct Verifier {
  virtual ~Verifier() = default;
  virtual void verify(SignatureCheck check, VerifyDone done) = 0;
};

}  // namespace openexec
