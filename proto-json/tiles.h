// SPDX-License-Identifier: Apache-2.0
// A log as files (c2sp.org/tlog-tiles): hash tiles, entry bundles, and the checkpoint beside them.
//
//   tile/<L>/<N>[.p/<W>]         W hashes (256 when whole) of level 8·L, from index 256·N on, 32 bytes each
//   tile/entries/<N>[.p/<W>]     W entries from 256·N on: 16-bit big-endian length, then the leaf
//   checkpoint                   the signed note
//
// N in groups of three digits, all but the last with an 'x' before it: 1234067 is x001/x234/067.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/bytes.h"

namespace openexec {

inline constexpr std::uint64_t tile_width = 256;

// Paths relative to the export's folder. `width`: 1 to tile_width.
std::string hash_tile_path(unsigned level, std::uint64_t index, std::uint64_t width);
std::string entry_tile_path(std::uint64_t index, std::uint64_t width);

void append_bundle_entry(std::string& bundle, std::string_view leaf);
// The leaves of a bundle: exactly `width` of them and nothing after. The error is a text for a person. The views are
// into `bundle`.
std::expected<std::vector<std::string_view>, std::string> read_bundle(std::string_view bundle, std::uint64_t width);

}  // namespace openexec
