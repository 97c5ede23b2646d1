// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>

#include "daemon/core/keyring.h"
#include "daemon/settings.h"

namespace openexec {

// The approvers' public keys: PEM text, a file, or every *.pem and *.pub of a folder. The error is one line that names
// the place and the file.
std::expected<Keyring, std::string> load_approver_keys(const Said<std::string>& keys);

}  // namespace openexec
