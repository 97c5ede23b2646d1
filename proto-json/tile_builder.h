// SPDX-License-Identifier: Apache-2.0
// Makes the hash tiles of a growing tree (tiles.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/bytes.h"
#include "proto-json/merkle.h"
#include "proto-json/tiles.h"

namespace openexec {

struct TilePlace {
  unsigned level = 0;
  std::uint64_t index = 0;
  std::uint64_t width = tile_width;  // less in a tile that is not whole
};

// The tiles that a tree of that size has and that are not whole, from level 0 up. The other tiles never change.
std::vector<TilePlace> partial_tiles(std::uint64_t size);

class TileBuilder {
 public:
  // Given each tile with its hashes, one after the other.
  using Sink = std::function<void(const TilePlace& place, std::string_view hashes)>;

  explicit TileBuilder(Sink sink) : sink_(std::move(sink)) {}
  // Goes on from a tree of that size, by the hashes of its partial_tiles(), in that order. Nothing when one of them has
  // another length.
  static std::optional<TileBuilder> resume(std::uint64_t size, std::span<const std::string> partials, Sink sink);

  // The next leaf, by its hash: gives out every tile that is whole now.
  void append(const Hash& leaf);
  // Gives out the tiles that are not whole.
  void finish() const;

  [[nodiscard]] std::uint64_t size() const { return tree_.size(); }
  [[nodiscard]] Hash root() const { return tree_.root(); }

 private:
  std::string& open_tile(unsigned level);

  Sink sink_;
  TreeEdge tree_;
  std::vector<std::string> tiles_;  // by level: the hashes of the tile that is not whole yet
};

}  // namespace openexec
