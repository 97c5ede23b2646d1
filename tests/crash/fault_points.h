// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace openexec::test {

// Every fault point of the daemon, in the order in which an effectful execution passes them. A commit is passed twice:
// by the claim, and by the outcome.
inline constexpr std::string_view fault_points[] = {"commit.before", "commit.after", "commit.marked", "run.before",
                                                    "run.after",     "reply.before", "reply.after"};

// Those that only a command passes, in order, between "commit.marked" of its claim and "commit.before" of its outcome.
inline constexpr std::string_view command_fault_points[] = {"command.before", "command.sent", "command.ended"};

// Those of `openexec-store adopt`, in order.
inline constexpr std::string_view adopt_fault_points[] = {"adopt.begin", "adopt.key", "adopt.commit", "adopt.mark",
                                                          "adopt.moved"};

}  // namespace openexec::test
