// SPDX-License-Identifier: Apache-2.0
// Points in time: microseconds since 1970-01-01T00:00:00Z, without leap seconds. No clock is read here.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace openexec {

struct UtcTime {
  std::int64_t us = 0;
  auto operator<=>(const UtcTime&) const = default;
};

inline constexpr std::int64_t us_per_s = 1'000'000;

inline UtcTime plus_s(UtcTime time, std::int64_t seconds) { return {time.us + seconds * us_per_s}; }

// Whole seconds since 1970-01-01T00:00:00Z; nothing past the year 9999, which to_text() could not write.
std::optional<UtcTime> from_posix_s(std::uint64_t seconds);

// RFC 3339 in UTC with six fraction digits: 2026-11-21T12:00:00.000000Z. Years 0001 to 9999; aborts outside.
std::string to_text(UtcTime time);
// As the seed writes it, with no offset: 2026-11-21T12:00:00 or with six fraction digits where they are not zero.
std::string to_seed_text(UtcTime time);

// Exactly YYYY-MM-DDThh:mm:ss[.f{1,6}][Z|±hh:mm], the whole text; no offset means UTC; the date must exist, and
// the hour, minute and second be in range (no leap second), offset hours 00 to 23 and minutes 00 to 59; year 0001 to
// 9999, before and after the offset is applied. Nothing otherwise.
std::optional<UtcTime> from_text(std::string_view text);

}  // namespace openexec
