// SPDX-License-Identifier: Apache-2.0
// Credentials by name: files of $CREDENTIALS_DIRECTORY, which the service manager makes and guards (LoadCredential=).
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "proto-json/crypto.h"

namespace openexec {

// [A-Za-z0-9_.-]{1,255}, and no way out of the folder.
bool is_credential_name(std::string_view name);

// The file's content without the line end that may end it. Nobody but its owner, root or this user, may have access to
// it, but for a group that may read. The error quotes nothing of it.
std::expected<SecretText, std::string> read_credential(const std::string& folder, const std::string& name);

}  // namespace openexec
