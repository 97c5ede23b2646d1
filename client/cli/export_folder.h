// SPDX-License-Identifier: Apache-2.0
// The files of an exported log (proto-json/tiles.h). Errors are texts for a person, not printable.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proto-json/tile_builder.h"

namespace openexec::cli {

inline constexpr std::string_view checkpoint_file = "checkpoint";
// Beside what the specification names: the latest checkpoint that witnesses cosigned, where that is another.
inline constexpr std::string_view cosigned_file = "checkpoint.cosigned";
// And the daemon's, once it showed one that does not go on from `checkpoint`.
inline constexpr std::string_view forked_file = "checkpoint.forked";

std::string path_of(const TilePlace& place);
// Of the entries that the tile of level 0 has the hashes of.
std::string bundle_path_of(const TilePlace& place);

class ExportFolder {
 public:
  explicit ExportFolder(std::string dir) : dir_(std::move(dir)) {}

  [[nodiscard]] const std::string& dir() const { return dir_; }
  // Nothing when there is no such file; larger ones are an error.
  [[nodiscard]] std::expected<std::optional<std::string>, std::string> read(std::string_view name,
                                                                            std::size_t bytes_max) const;
  [[nodiscard]] std::expected<std::string, std::string> read_tile(const TilePlace& place) const;
  [[nodiscard]] std::expected<std::string, std::string> read_bundle_file(const TilePlace& place) const;

  // Makes the folder. Refuses one that holds something else than an export, or the beginning of one.
  [[nodiscard]] std::expected<void, std::string> make() const;
  // Puts the file there whole, with the folders above it.
  [[nodiscard]] std::expected<void, std::string> write(const std::string& name, std::string_view bytes) const;
  // The same, of a file that is not there yet.
  [[nodiscard]] std::expected<void, std::string> write_once(std::string_view name, std::string_view bytes) const;
  // Takes away a file, and its folder when it is empty then.
  void remove(const std::string& name) const;
  // What was written is on disk when this returns.
  [[nodiscard]] std::expected<void, std::string> sync() const;

 private:
  [[nodiscard]] std::string path(std::string_view name) const { return dir_ + "/" + std::string(name); }
  std::string dir_;
};

}  // namespace openexec::cli
