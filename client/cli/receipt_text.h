// SPDX-License-Identifier: Apache-2.0
// How the commands that show receipts say what is in them.
#pragma once

#include <string>

#include "client/cli/screen.h"
#include "proto-json/receipt.h"

namespace openexec::cli {

Colour colour_of(ReceiptKind kind);
// "denied_summary", "adopt" or the receipt's kind.
std::string_view kind_name(const LeafContent& leaf);
// "restart.service", "restart.service: approval_used", "12 attempts without an entry", "epoch 2 of vm1/openexec":
// printable.
std::string subject_text(const LeafContent& leaf);
UtcTime time_of(const LeafContent& leaf);
// "exit 3", "signal 9"
std::string end_text(const ProcessEnd& end);

}  // namespace openexec::cli
