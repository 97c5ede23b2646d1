// SPDX-License-Identifier: Apache-2.0
// Reads what a load generator needs of a reply without parsing it: at a hundred thousand replies a second the parser
// would take the core that the daemon needs. It knows the one form in which a daemon writes its replies to `execute`
// (members in code point order, no spaces), and refuses every other.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace openexec::bench {

// A reply to `execute` whose id is a number. The views are into the line.
struct ScannedReply {
  std::uint64_t id = 0;
  std::string_view reason;   // of an error; empty for a result, and only then are there the others
  std::string_view receipt;  // 64 lower-case hexadecimal digits
  std::string_view status;
  bool replayed = false;
};

// The line without its end. Nothing for what is no such reply.
std::optional<ScannedReply> scan_reply(std::string_view line);

// Whether a parser reads the same in that line, and the receipt is the hash of the result beside it.
bool agrees(const ScannedReply& scanned, std::string_view line);

}  // namespace openexec::bench
