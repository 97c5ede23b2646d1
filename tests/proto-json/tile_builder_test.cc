// SPDX-License-Identifier: Apache-2.0
#include "proto-json/tile_builder.h"

#include <map>

#include "tests/support/catch.h"

namespace openexec {
namespace {

Hash leaf(std::uint64_t index) { return leaf_hash(std::to_string(index)); }

using Tiles = std::map<std::string, std::string>;

TileBuilder::Sink into(Tiles& tiles) {
  return [&tiles](const TilePlace& place, std::string_view hashes) {
    tiles[hash_tile_path(place.level, place.index, place.width)] = hashes;
  };
}

// By the specification's formula: MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]).
Hash subtree(unsigned level, std::uint64_t index) {
  TreeEdge tree;
  const std::uint64_t width = std::uint64_t{1} << (8 * level);
  for (std::uint64_t i = 0; i < width; ++i) {
    tree.append(leaf(index * width + i), [](const Hash&) {});
  }
  return tree.root();
}

Tiles tiles_of(std::uint64_t size) {
  Tiles tiles;
  TileBuilder builder(into(tiles));
  for (std::uint64_t i = 0; i < size; ++i) {
    builder.append(leaf(i));
  }
  builder.finish();
  return tiles;
}

TEST_CASE("the tiles of a tree are those that the specification names") {
  // Its own example.
  std::uint64_t whole = 0;
  for (const TilePlace& place : partial_tiles(70'000)) {
    whole += place.width;
  }
  CHECK(partial_tiles(70'000).size() == 3);
  CHECK(whole == 112 + 17 + 1);
  CHECK(partial_tiles(0).empty());
  REQUIRE(partial_tiles(256).size() == 1);
  CHECK(partial_tiles(256)[0].level == 1);
  CHECK(partial_tiles(256)[0].width == 1);

  const Tiles tiles = tiles_of(600);
  REQUIRE(tiles.size() == 4);
  CHECK(tiles.at("tile/0/000").size() == 256 * 32);
  CHECK(tiles.at("tile/0/001").size() == 256 * 32);
  CHECK(tiles.at("tile/0/002.p/88").size() == 88 * 32);
  CHECK(tiles.at("tile/1/000.p/2") ==
        std::string(text_of(subtree(1, 0).view())) + std::string(text_of(subtree(1, 1).view())));
  CHECK(tiles.at("tile/0/001").substr(0, 32) == text_of(leaf(256).view()));
}

TEST_CASE("a tree that is gone on with from its partial tiles is the same tree") {
  for (const std::uint64_t size : {0, 1, 2, 255, 256, 257, 511, 512, 700}) {
    Tiles tiles = tiles_of(size);
    std::vector<std::string> partials;
    for (const TilePlace& place : partial_tiles(size)) {
      partials.push_back(tiles.at(hash_tile_path(place.level, place.index, place.width)));
    }
    auto builder = TileBuilder::resume(size, partials, into(tiles));
    REQUIRE(builder.has_value());
    for (std::uint64_t i = size; i < 800; ++i) {
      builder->append(leaf(i));
    }
    builder->finish();
    for (const auto& [path, hashes] : tiles_of(800)) {
      INFO(size << " " << path);
      CHECK(tiles[path] == hashes);
    }
    TreeEdge tree;
    for (std::uint64_t i = 0; i < 800; ++i) {
      tree.append(leaf(i), [](const Hash&) {});
    }
    CHECK(builder->root() == tree.root());
  }
}

TEST_CASE("partial tiles of another length are none") {
  CHECK_FALSE(TileBuilder::resume(2, std::vector<std::string>{std::string(65, 'x')}, {}).has_value());
  CHECK_FALSE(TileBuilder::resume(2, std::vector<std::string>{std::string(32, 'x')}, {}).has_value());
}

TEST_CASE("tiles of the third level come of whole tiles of the second") {
  const Tiles tiles = tiles_of(65'536 + 3);
  CHECK(tiles.at("tile/1/000").size() == 256 * 32);
  CHECK(tiles.at("tile/2/000.p/1") == std::string(text_of(subtree(2, 0).view())));
  CHECK(tiles.at("tile/0/256.p/3").size() == 3 * 32);
  CHECK_FALSE(tiles.contains("tile/1/001.p/0"));
}

}  // namespace
}  // namespace openexec
