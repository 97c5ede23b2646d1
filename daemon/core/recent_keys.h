// SPDX-License-Identifier: Apache-2.0
// The keys of claims that are not in the tables of keys yet. Those tables have random keys, so that each new row costs
// a page: keys gather in memory and are merged in large sorted runs, in which many share a page. Every key is durable
// with its claim, from whose rows this is made again at a start (docs/decisions/0019-keys-merged-in-runs.md).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "proto-json/bytes.h"

namespace openexec {

// What a claim can be found by.
enum class KeyKind : std::size_t { claim, approval, execution };
inline constexpr std::size_t key_kind_count = 3;

// The first eight bytes of a key: enough to find who may have it, and the claim's own row says who has.
std::uint64_t key_prefix(ByteView key);

// A claim's keys, and the index of its first entry.
struct ClaimKeys {
  std::uint64_t first_index = 0;
  bool has_approval = false;
  std::array<std::uint64_t, key_kind_count> prefixes{};  // by kind
};

// Prefixes to first entries: 16 bytes a place, of which at most two in three are taken.
class PrefixMap {
 public:
  // `salt`: whoever does not know it cannot make keys that all belong in one place.
  explicit PrefixMap(std::uint64_t salt = 0) : salt_(salt) {}

  struct Place {
    std::uint64_t prefix = 0;
    std::uint64_t index = none;
  };

  void add(std::uint64_t prefix, std::uint64_t index);
  [[nodiscard]] std::size_t size() const { return size_; }
  // The first index of that prefix that `is_it` says yes to; `none` when there is none.
  template <typename IsIt>
  [[nodiscard]] std::uint64_t find(std::uint64_t prefix, IsIt is_it) const {
    for (std::size_t at = home_of(prefix); !places_.empty() && places_[at].index != none; at = next(at)) {
      if (places_[at].prefix == prefix && is_it(places_[at].index)) {
        return places_[at].index;
      }
    }
    return none;
  }
  // In the order of prefixes.
  [[nodiscard]] std::vector<Place> sorted() const;

  static constexpr std::uint64_t none = ~std::uint64_t{0};

 private:
  // The prefixes are of hashes, but an id has bits that are the same in all: the golden ratio spreads what the rest
  // says.
  [[nodiscard]] std::size_t home_of(std::uint64_t prefix) const {
    return (((prefix ^ salt_) * 0x9E3779B97F4A7C15U) >> 32U) & (places_.size() - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (places_.size() - 1); }
  void grow();

  std::uint64_t salt_;
  std::vector<Place> places_;  // a power of two of them
  std::size_t size_ = 0;
};

// What a commit changed about the keys in memory. The writer's copy has it already; the reader's takes it over before
// anybody is told of the commit.
struct KeyChange {
  std::vector<ClaimKeys> added;
  bool run_ended = false;
  bool run_began = false;
};

// How far the tables of keys are, as the store has it: every claim whose first entry is before `indexed` has all its
// rows there. Of those from there to `run_end` (0: none) the first so many of each kind, in the order of keys, have
// theirs.
struct KeyProgress {
  std::uint64_t indexed = 0;
  std::uint64_t run_end = 0;
  std::array<std::uint64_t, key_kind_count> merged{};
  bool operator==(const KeyProgress&) const = default;
};

// Two generations: the older is being merged, the newer gathers meanwhile. Each copy belongs to one thread.
class RecentKeys {
 public:
  explicit RecentKeys(std::uint64_t salt);
  void apply(const KeyChange& change);
  void add(const ClaimKeys& keys);

  template <typename IsIt>
  [[nodiscard]] std::uint64_t find(KeyKind kind, std::uint64_t prefix, IsIt is_it) const {
    const auto at = static_cast<std::size_t>(kind);
    const std::uint64_t newer = newer_[at].find(prefix, is_it);
    return newer != PrefixMap::none ? newer : older_[at].find(prefix, is_it);
  }

 private:
  friend class KeyMerger;
  using Maps = std::array<PrefixMap, key_kind_count>;
  [[nodiscard]] Maps no_keys() const { return {PrefixMap(salt_), PrefixMap(salt_), PrefixMap(salt_)}; }

  std::uint64_t salt_;
  Maps newer_;
  Maps older_;
};

// The writer's copy, and what of the older generation is merged.
class KeyMerger {
 public:
  KeyMerger(std::size_t run_keys_min, std::uint64_t salt) : run_keys_min_(run_keys_min), recent_(salt) {}

  // The next keys to merge in one commit of that many claims: no slower than claims come, so that a run ends before
  // the next is due.
  struct Slice {
    std::array<std::span<const PrefixMap::Place>, key_kind_count> places;
    bool ends_run = false;
    std::optional<KeyProgress> progress;  // to be stored with it: now and then, and when the run ends
  };
  [[nodiscard]] Slice next_slice(std::size_t claims) const;
  // The commit of that slice succeeded, and so did these claims. `stored`: how many claims there are.
  KeyChange committed(const Slice& slice, std::vector<ClaimKeys> added, std::uint64_t stored);

  [[nodiscard]] const RecentKeys& recent() const { return recent_; }
  // At a start: how far the tables are, and then, in order, each claim that they may lack. A run goes on where it was.
  // The changes are for the reader's copy.
  std::vector<KeyChange> load(const KeyProgress& progress, std::vector<ClaimKeys> claims);

 private:
  [[nodiscard]] bool is_merging() const { return progress_.run_end != 0; }
  void begin_run();
  void sort_run();

  std::size_t run_keys_min_;
  RecentKeys recent_;
  std::array<std::vector<PrefixMap::Place>, key_kind_count> run_;
  KeyProgress progress_;      // as it is
  KeyProgress stored_;        // as the store has it
  std::uint64_t newest_ = 0;  // the last first entry that was added
};

}  // namespace openexec
