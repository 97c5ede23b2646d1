// SPDX-License-Identifier: Apache-2.0
#include "proto-json/tiles.h"

#include <string>
#include <vector>

#include "proto-json/limits.h"
#include "tests/support/aborts.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

TEST_CASE("tiles have the paths of the specification") {
  CHECK(hash_tile_path(0, 1234067, tile_width) == "tile/0/x001/x234/067");
  CHECK(entry_tile_path(1234067, tile_width) == "tile/entries/x001/x234/067");
  CHECK(hash_tile_path(0, 0, tile_width) == "tile/0/000");
  CHECK(hash_tile_path(2, 0, 1) == "tile/2/000.p/1");
  CHECK(hash_tile_path(0, 273, 112) == "tile/0/273.p/112");
  CHECK(hash_tile_path(1, 1, 17) == "tile/1/001.p/17");
  CHECK(hash_tile_path(1, 999, 255) == "tile/1/999.p/255");
  CHECK(hash_tile_path(63, 1000, tile_width) == "tile/63/x001/000");
  CHECK(entry_tile_path(1000000, 1) == "tile/entries/x001/x000/000.p/1");
  CHECK(entry_tile_path(std::uint64_t{1} << 53U, tile_width) == "tile/entries/x009/x007/x199/x254/x740/992");
  CHECK(aborts([] { static_cast<void>(hash_tile_path(0, 0, 0)); }));
  CHECK(aborts([] { static_cast<void>(entry_tile_path(0, tile_width + 1)); }));
}

TEST_CASE("a bundle gives back the leaves that it was made of") {
  const std::vector<std::string> leaves = {"",
                                           "a",
                                           std::string(255, 'b'),
                                           std::string(256, 'c'),
                                           std::string(limits::receipt_bytes_max, 'd'),
                                           std::string("\0\xff", 2)};
  std::string bundle;
  for (const std::string& leaf : leaves) {
    append_bundle_entry(bundle, leaf);
  }
  CHECK(bundle.substr(0, 5) == std::string("\0\0\0\1a", 5));
  const auto read = read_bundle(bundle, leaves.size());
  REQUIRE(read);
  CHECK(std::vector<std::string>(read->begin(), read->end()) == leaves);
  CHECK(aborts([&] { append_bundle_entry(bundle, std::string(limits::receipt_bytes_max + 1, 'x')); }));
}

TEST_CASE("a bundle of more or fewer entries than it should have is refused") {
  std::string bundle;
  for (std::uint64_t i = 0; i < tile_width; ++i) {
    append_bundle_entry(bundle, "leaf " + std::to_string(i));
  }
  REQUIRE(read_bundle(bundle, tile_width));
  CHECK_FALSE(read_bundle(bundle, tile_width - 1));
  CHECK_FALSE(read_bundle(bundle.substr(0, bundle.size() - 1), tile_width));
  CHECK_FALSE(read_bundle(bundle + "x", tile_width));
  CHECK_FALSE(read_bundle(bundle + std::string(2, '\0'), tile_width));
  CHECK_FALSE(read_bundle("", 1));
  CHECK_FALSE(read_bundle(std::string(1, '\0'), 1));
  CHECK_FALSE(read_bundle(std::string("\0\1", 2), 1));
  CHECK(read_bundle(std::string(2, '\0'), 1));
}

}  // namespace
}  // namespace openexec
