// SPDX-License-Identifier: Apache-2.0
// The arrows between folders (docs/architecture.md): who may include what, and what the pure layers may not call. The
// compiler cannot see these, since all headers are found from the same places.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace openexec::lint {

// What breaks a rule in the file `path` (from the root of the tree) with this text, one line each; empty when nothing
// does.
std::vector<std::string> layer_violations(std::string_view path, std::string_view text);

}  // namespace openexec::lint
