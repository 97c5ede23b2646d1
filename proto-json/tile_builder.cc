// SPDX-License-Identifier: Apache-2.0
#include "proto-json/tile_builder.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "proto-json/check.h"

namespace openexec {
namespace {

constexpr unsigned levels_per_tile = 8;
static_assert(std::uint64_t{1} << levels_per_tile == tile_width);

// How many hashes the tiles of that level have in all, in a tree of that size.
std::uint64_t hashes_at(unsigned level, std::uint64_t size) {
  const unsigned bits = level * levels_per_tile;
  return bits < 64 ? size >> bits : 0;
}

// The hash of a complete subtree, by those of its leaves: a power of two of them.
Hash subtree_hash(std::string_view hashes) {
  TreeEdge tree;
  for (; !hashes.empty(); hashes.remove_prefix(Hash::size_bytes)) {
    tree.append(*Hash::from(bytes_of(hashes.substr(0, Hash::size_bytes))), [](const Hash&) {});
  }
  return tree.root();
}

// The complete subtrees that those hashes are the leaves of, the widest first.
void add_peaks(std::vector<Hash>& peaks, std::string_view hashes) {
  while (!hashes.empty()) {
    const std::size_t width = std::bit_floor(hashes.size() / Hash::size_bytes) * Hash::size_bytes;
    peaks.push_back(subtree_hash(hashes.substr(0, width)));
    hashes.remove_prefix(width);
  }
}

}  // namespace

std::vector<TilePlace> partial_tiles(std::uint64_t size) {
  std::vector<TilePlace> out;
  for (unsigned level = 0; hashes_at(level, size) > 0; ++level) {
    const std::uint64_t hashes = hashes_at(level, size);
    if (hashes % tile_width != 0) {
      out.push_back({level, hashes / tile_width, hashes % tile_width});
    }
  }
  return out;
}

std::optional<TileBuilder> TileBuilder::resume(std::uint64_t size, std::span<const std::string> partials, Sink sink) {
  const std::vector<TilePlace> places = partial_tiles(size);
  OPENEXEC_CHECK(places.size() == partials.size());
  TileBuilder builder(std::move(sink));
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (partials[i].size() != places[i].width * Hash::size_bytes) {
      return std::nullopt;
    }
    builder.open_tile(places[i].level) = partials[i];
  }
  std::vector<Hash> peaks;
  for (std::size_t level = builder.tiles_.size(); level > 0; --level) {
    add_peaks(peaks, builder.tiles_[level - 1]);
  }
  builder.tree_ = TreeEdge(size, std::move(peaks));
  return builder;
}

std::string& TileBuilder::open_tile(unsigned level) {
  if (level >= tiles_.size()) {
    tiles_.resize(level + 1);
  }
  return tiles_[level];
}

void TileBuilder::append(const Hash& leaf) {
  const std::uint64_t size = tree_.size() + 1;
  unsigned level = 0;
  tree_.append(leaf, [&](const Hash& node) {
    if (level % levels_per_tile == 0) {
      const unsigned tile_level = level / levels_per_tile;
      std::string& hashes = open_tile(tile_level);
      hashes += text_of(node.view());
      if (hashes.size() == tile_width * Hash::size_bytes) {
        sink_({tile_level, hashes_at(tile_level, size) / tile_width - 1, tile_width}, hashes);
        hashes.clear();
      }
    }
    ++level;
  });
}

void TileBuilder::finish() const {
  for (const TilePlace& place : partial_tiles(size())) {
    sink_(place, tiles_[place.level]);
  }
}

}  // namespace openexec
