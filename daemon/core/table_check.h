// SPDX-License-Identifier: Apache-2.0
// Tables held against the log: claims, results, open claims, approvals and executions, each read once in the order of
// its keys beside what an audit of the entries knows in the same order.
#pragma once

#include "daemon/core/store.h"
#include "daemon/core/store_check.h"
#include "proto-json/log_audit.h"

namespace openexec {

// After audit.finish().
void check_tables(const ReadTxn& txn, const LogAudit& audit, const CheckProgress& progress, LogReport& report);

}  // namespace openexec
