// SPDX-License-Identifier: Apache-2.0
// Half of a surrogate pair, written as an escape without its other half: no character, and no UTF-8 can hold it.
// Parsers differ here (refuse it, keep it, garble it), so the text itself is looked at.
#pragma once

#include <string_view>

namespace openexec {

// True when an escape in JSON `text` is half of a surrogate pair without the other half. The text need not be good
// JSON; where it is, a backslash stands only inside a string.
bool has_lone_surrogate(std::string_view text);

}  // namespace openexec
