// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "daemon/io/unique_fd.h"
#include "proto-json/crypto.h"

namespace openexec {

struct CommandSecret {
  std::string variable;
  SecretText value;
};

// What a command needs beside its definition, opened once at start.
struct CommandResources {
  UniqueFd executable;  // it is run by this descriptor; a sealed copy when its hash is pinned
  std::vector<CommandSecret> secrets;
};

// By the action's name.
using AllCommandResources = std::map<std::string, CommandResources, std::less<>>;

}  // namespace openexec
