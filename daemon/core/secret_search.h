// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace openexec {

// Finds all of a command's secrets in a text, in time in proportion to the text, whatever is in it and in them, and
// however many they are (Aho and Corasick, 1975). What it holds of the secrets are views.
class SecretSearch {
 public:
  struct Place {
    std::size_t begin;
    std::size_t end;
    bool operator==(const Place&) const = default;
  };
  struct Found {
    std::vector<Place> places;  // sorted; none touches another: secrets that overlap or touch are one place
    std::uint64_t steps = 0;    // that it took
  };
  static constexpr std::size_t spelling_bytes_max = 6;    // of one byte of a secret: "\u0041"
  static constexpr std::uint64_t steps_per_byte_max = 4;  // of the text

  // None is empty.
  explicit SecretSearch(std::span<const std::string_view> secrets);

  [[nodiscard]] bool has_secrets() const { return !secrets_.empty(); }
  // Wherever one stands whole: as it is, or with any of its characters written as escapes of JSON.
  [[nodiscard]] Found find(std::string_view text) const;

 private:
  using Children = std::array<std::uint32_t, 256>;  // by their last byte; the root where there is none
  // A text that a secret begins with. The root is the empty one.
  struct Node {
    std::uint32_t fallback = root;  // the node of the longest proper end of the text that is one
    std::uint16_t secret = 0;       // one that begins so; the next byte is of its only child, which is the next node
    std::uint16_t depth = 0;        // bytes of the text
    std::uint16_t matched = 0;      // bytes of the longest secret that the text ends with
    std::uint16_t branches = 0;     // where its children are, if they are several
  };
  static constexpr std::uint32_t root = 0;

  void add_secret(std::uint16_t secret, std::vector<std::uint32_t>& path);
  void branch(std::uint32_t node, unsigned char byte);
  void set_fallbacks();
  // The root when there is none.
  [[nodiscard]] std::uint32_t child(std::uint32_t node, unsigned char byte) const;
  // The node of the longest end of the node's text and the byte.
  [[nodiscard]] std::uint32_t next(std::uint32_t node, unsigned char byte, std::uint64_t& steps) const;
  template <bool unescapes>
  void scan(std::string_view text, Found& found) const;

  std::vector<std::string_view> secrets_;  // sorted
  std::size_t shortest_ = SIZE_MAX;
  std::size_t longest_ = 0;
  std::vector<Node> nodes_;         // those of one secret together
  std::vector<Children> branches_;  // of the root first
};

}  // namespace openexec
