// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace openexec {

// What to do without a keyword that is not taken.
std::string_view schema_advice(std::string_view keyword);

}  // namespace openexec
