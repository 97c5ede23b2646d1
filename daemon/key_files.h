// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/keyring.h"
#include "daemon/settings.h"

namespace openexec {

// PEM text itself, and no path.
bool is_pem_text(std::string_view keys);

struct ApproverKeys {
  Keyring keyring;
  std::vector<std::string> files;  // that were read
};

// The approvers' public keys: PEM text, a file, or every *.pem and *.pub of a folder. Nobody but root and this user may
// write the file or the folder and its files: whoever could would say who approves. The error is one line that names
// the place and the file.
std::expected<ApproverKeys, std::string> load_approver_keys(const Said<std::string>& keys);

}  // namespace openexec
