// SPDX-License-Identifier: Apache-2.0
// The schema of an action's payload, for a person to read: a line for each member.
#pragma once

#include <string>
#include <vector>

#include "proto-json/json.h"

namespace openexec::cli {

struct SchemaRow {
  // "target.host" for one of a member that is an object itself, "lines[].name" for one of a list's items, "target.*"
  // for all that have no name; empty: of the payload as a whole.
  std::string member;
  std::string text;  // "string, matches ^[a-z]+$; may be left out"
};

// Everything in it is printable(). What is no schema gives no rows.
std::vector<SchemaRow> schema_rows(const Json& schema);

}  // namespace openexec::cli
