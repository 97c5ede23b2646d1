// SPDX-License-Identifier: Apache-2.0
#include "proto-json/tiles.h"

#include <fmt/format.h>

#include "proto-json/check.h"
#include "proto-json/limits.h"

namespace openexec {
namespace {

constexpr std::size_t length_bytes = 2;
static_assert(limits::receipt_bytes_max == 0xFFFF);  // what they hold

// "x001/x234/067", and ".p/<width>" where the tile is not whole.
std::string index_path(std::uint64_t index, std::uint64_t width) {
  OPENEXEC_CHECK(width >= 1 && width <= tile_width);
  std::string path = fmt::format("{:03}", index % 1000);
  for (std::uint64_t rest = index / 1000; rest > 0; rest /= 1000) {
    path = fmt::format("x{:03}/{}", rest % 1000, path);
  }
  return width == tile_width ? path : fmt::format("{}.p/{}", path, width);
}

}  // namespace

std::string hash_tile_path(unsigned level, std::uint64_t index, std::uint64_t width) {
  return fmt::format("tile/{}/{}", level, index_path(index, width));
}

std::string entry_tile_path(std::uint64_t index, std::uint64_t width) {
  return fmt::format("tile/entries/{}", index_path(index, width));
}

void append_bundle_entry(std::string& bundle, std::string_view leaf) {
  OPENEXEC_CHECK(leaf.size() <= limits::receipt_bytes_max);
  bundle += static_cast<char>(leaf.size() >> 8U);
  bundle += static_cast<char>(leaf.size() & 0xFFU);
  bundle += leaf;
}

std::expected<std::vector<std::string_view>, std::string> read_bundle(std::string_view bundle, std::uint64_t width) {
  OPENEXEC_CHECK(width >= 1 && width <= tile_width);
  std::vector<std::string_view> leaves;
  while (bundle.size() >= length_bytes && leaves.size() < width) {
    const auto high = static_cast<std::uint8_t>(bundle[0]);
    const auto low = static_cast<std::uint8_t>(bundle[1]);
    const std::size_t size = (std::size_t{high} << 8U) | low;
    if (bundle.size() < length_bytes + size) {
      break;
    }
    leaves.push_back(bundle.substr(length_bytes, size));
    bundle.remove_prefix(length_bytes + size);
  }
  if (leaves.size() != width || !bundle.empty()) {
    return std::unexpected(fmt::format("it does not hold just {} entries", width));
  }
  return leaves;
}

}  // namespace openexec
