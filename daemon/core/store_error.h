// SPDX-License-Identifier: Apache-2.0
// For store.cc and transaction.cc: LMDB's error codes as errors of ours.
#pragma once

#include <string_view>

#include "daemon/core/store.h"

namespace openexec {

std::unexpected<StoreError> store_error(std::string_view doing, int lmdb_code);

}  // namespace openexec
