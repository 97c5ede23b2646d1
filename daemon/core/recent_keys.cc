// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/recent_keys.h"

#include <algorithm>
#include <utility>

#include "daemon/core/big_endian.h"
#include "proto-json/check.h"
#include "proto-json/limits.h"

namespace openexec {

std::uint64_t key_prefix(ByteView key) {
  const auto prefix = from_big_endian<std::uint64_t>(text_of(key.subspan(0, sizeof(std::uint64_t))));
  OPENEXEC_CHECK(prefix.has_value());
  return *prefix;
}

// --- PrefixMap ---

void PrefixMap::add(std::uint64_t prefix, std::uint64_t index) {
  OPENEXEC_CHECK(index != none);
  if (3 * (size_ + 1) > 2 * places_.size()) {
    grow();
  }
  std::size_t at = home_of(prefix);
  while (places_[at].index != none) {
    at = next(at);
  }
  places_[at] = {prefix, index};
  ++size_;
}

void PrefixMap::grow() {
  constexpr std::size_t places_min = 64;
  const std::vector<Place> before =
      std::exchange(places_, std::vector<Place>(std::max(places_min, 2 * places_.size())));
  size_ = 0;
  for (const Place& place : before) {
    if (place.index != none) {
      add(place.prefix, place.index);
    }
  }
}

std::vector<PrefixMap::Place> PrefixMap::sorted() const {
  std::vector<Place> out;
  out.reserve(size_);
  std::ranges::copy_if(places_, std::back_inserter(out), [](const Place& place) { return place.index != none; });
  std::ranges::sort(out, [](const Place& a, const Place& b) {
    return a.prefix != b.prefix ? a.prefix < b.prefix : a.index < b.index;
  });
  return out;
}

// --- RecentKeys ---

void RecentKeys::add(const ClaimKeys& keys) {
  for (const KeyKind kind : {KeyKind::claim, KeyKind::approval, KeyKind::execution}) {
    const auto at = static_cast<std::size_t>(kind);
    if (kind != KeyKind::approval || keys.has_approval) {
      newer_[at].add(keys.prefixes[at], keys.first_index);
    }
  }
}

RecentKeys::RecentKeys(std::uint64_t salt) : salt_(salt), newer_(no_keys()), older_(no_keys()) {}

void RecentKeys::apply(const KeyChange& change) {
  if (change.run_ended) {
    older_ = no_keys();
  }
  for (const ClaimKeys& keys : change.added) {
    add(keys);
  }
  if (change.run_began) {
    older_ = std::exchange(newer_, no_keys());
  }
}

// --- KeyMerger ---

KeyMerger::Slice KeyMerger::next_slice(std::size_t claims) const {
  Slice slice;
  if (!is_merging()) {
    return slice;
  }
  // A little faster than claims come, and never idle while there are commits.
  const std::size_t count = claims + claims / 4 + limits::keys_merged_min;
  KeyProgress progress = progress_;
  slice.ends_run = true;
  for (std::size_t kind = 0; kind < key_kind_count; ++kind) {
    const std::span<const PrefixMap::Place> rest = std::span(run_[kind]).subspan(progress_.merged[kind]);
    slice.places[kind] = rest.first(std::min(count, rest.size()));
    progress.merged[kind] += slice.places[kind].size();
    slice.ends_run = slice.ends_run && slice.places[kind].size() == rest.size();
  }
  if (slice.ends_run) {
    slice.progress = KeyProgress{progress_.run_end, 0, {}};
  } else if (stored_.run_end != progress.run_end ||
             progress.merged[0] >= stored_.merged[0] + limits::keys_unsaved_max) {
    slice.progress = progress;
  }
  return slice;
}

KeyChange KeyMerger::committed(const Slice& slice, std::vector<ClaimKeys> added, std::uint64_t stored) {
  KeyChange change;
  for (std::size_t kind = 0; kind < key_kind_count; ++kind) {
    progress_.merged[kind] += slice.places[kind].size();
  }
  change.run_ended = slice.ends_run;
  change.added = std::move(added);
  if (slice.progress) {
    stored_ = *slice.progress;
  }
  if (slice.ends_run) {
    run_ = {};
    progress_ = stored_;
  }
  // In a large table a run must be large for its keys to share pages.
  const std::uint64_t due = std::clamp<std::uint64_t>(stored / limits::key_run_share, run_keys_min_,
                                                      std::max(run_keys_min_, limits::key_run_max));
  const std::size_t gathered = recent_.newer_.front().size() + change.added.size();
  change.run_began = !is_merging() && gathered >= due;
  if (!change.added.empty()) {
    newest_ = change.added.back().first_index;
  }
  recent_.apply(change);
  if (change.run_began) {
    begin_run();
  }
  return change;
}

void KeyMerger::sort_run() {
  for (std::size_t kind = 0; kind < key_kind_count; ++kind) {
    run_[kind] = recent_.older_[kind].sorted();
  }
}

void KeyMerger::begin_run() {
  sort_run();
  progress_.run_end = newest_ + 1;
  progress_.merged = {};
}

std::vector<KeyChange> KeyMerger::load(const KeyProgress& progress, std::vector<ClaimKeys> claims) {
  stored_ = progress_ = progress;
  const auto newer =
      std::ranges::partition_point(claims, [&](const ClaimKeys& keys) { return keys.first_index < progress.run_end; });
  std::vector<KeyChange> changes(2);
  changes[0] = {.added = {claims.begin(), newer}, .run_ended = false, .run_began = progress.run_end != 0};
  changes[1] = {.added = {newer, claims.end()}, .run_ended = false, .run_began = false};
  for (const KeyChange& change : changes) {
    recent_.apply(change);
  }
  sort_run();
  for (std::size_t kind = 0; kind < key_kind_count; ++kind) {
    progress_.merged[kind] = std::min<std::uint64_t>(progress_.merged[kind], run_[kind].size());
  }
  if (!claims.empty()) {
    newest_ = claims.back().first_index;
  }
  return changes;
}

}  // namespace openexec
