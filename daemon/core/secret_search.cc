// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/secret_search.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "daemon/core/json_escape.h"
#include "proto-json/check.h"

namespace openexec {
namespace {

// Places come by their ends, or by their beginnings; one takes in those before it that it touches.
void add(std::vector<SecretSearch::Place>& places, SecretSearch::Place place) {
  while (!places.empty() && place.begin <= places.back().end) {
    place.begin = std::min(place.begin, places.back().begin);
    place.end = std::max(place.end, places.back().end);
    places.pop_back();
  }
  places.push_back(place);
}

unsigned char as_byte(char c) { return static_cast<unsigned char>(c); }

}  // namespace

SecretSearch::SecretSearch(std::span<const std::string_view> secrets)
    : secrets_(secrets.begin(), secrets.end()), nodes_(1), branches_(1) {
  OPENEXEC_CHECK(secrets_.size() <= UINT16_MAX);
  std::ranges::sort(secrets_);
  std::vector<std::uint32_t> path = {root};  // the nodes of the last secret, by their depth
  for (std::size_t i = 0; i < secrets_.size(); ++i) {
    OPENEXEC_CHECK(!secrets_[i].empty() && secrets_[i].size() <= UINT16_MAX);
    shortest_ = std::min(shortest_, secrets_[i].size());
    longest_ = std::max(longest_, secrets_[i].size());
    add_secret(static_cast<std::uint16_t>(i), path);
  }
  set_fallbacks();
}

void SecretSearch::add_secret(std::uint16_t secret, std::vector<std::uint32_t>& path) {
  const std::string_view text = secrets_[secret];
  const std::string_view last = secret > 0 ? secrets_[secret - 1U] : std::string_view();
  const auto common = static_cast<std::size_t>(std::ranges::mismatch(text, last).in1 - text.begin());
  if (common == text.size()) {
    return;  // the same twice
  }
  path.resize(common + 1);
  if (path.back() != root && common == last.size()) {
    nodes_[path.back()].secret = secret;  // it had no child
  } else {
    branch(path.back(), as_byte(text[common]));
  }
  for (std::size_t depth = common + 1; depth <= text.size(); ++depth) {
    path.push_back(static_cast<std::uint32_t>(nodes_.size()));
    nodes_.push_back({.secret = secret, .depth = static_cast<std::uint16_t>(depth)});
  }
  nodes_.back().matched = nodes_.back().depth;
}

// The node to be added next is its child.
void SecretSearch::branch(std::uint32_t node, unsigned char byte) {
  Node& parent = nodes_[node];
  if (node != root && parent.branches == 0) {
    parent.branches = static_cast<std::uint16_t>(branches_.size());
    branches_.emplace_back()[as_byte(secrets_[parent.secret][parent.depth])] = node + 1;
  }
  branches_[parent.branches][byte] = static_cast<std::uint32_t>(nodes_.size());
}

// By depth: a fallback is of less depth than its node.
void SecretSearch::set_fallbacks() {
  std::vector<std::uint32_t> order = {root};
  order.reserve(nodes_.size());
  std::uint64_t steps = 0;
  const auto set = [&](std::uint32_t parent, unsigned char byte, std::uint32_t node) {
    if (parent != root) {
      nodes_[node].fallback = next(nodes_[parent].fallback, byte, steps);
    }
    if (nodes_[node].matched == 0) {
      nodes_[node].matched = nodes_[nodes_[node].fallback].matched;
    }
    order.push_back(node);
  };
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::uint32_t parent = order[i];
    const Node node = nodes_[parent];
    if (parent == root || node.branches != 0) {
      for (std::size_t byte = 0; byte < branches_[node.branches].size(); ++byte) {
        if (const std::uint32_t found = branches_[node.branches][byte]; found != root) {
          set(parent, static_cast<unsigned char>(byte), found);
        }
      }
    } else if (node.depth < secrets_[node.secret].size()) {
      set(parent, as_byte(secrets_[node.secret][node.depth]), parent + 1);
    }
  }
}

std::uint32_t SecretSearch::child(std::uint32_t node, unsigned char byte) const {
  const Node& parent = nodes_[node];
  if (node == root || parent.branches != 0) {
    return branches_[parent.branches][byte];
  }
  const std::string_view secret = secrets_[parent.secret];
  return parent.depth < secret.size() && as_byte(secret[parent.depth]) == byte ? node + 1 : root;
}

// Each turn but the last makes the text shorter, and each byte makes it longer by one at most: so all the steps are no
// more than twice the bytes.
std::uint32_t SecretSearch::next(std::uint32_t node, unsigned char byte, std::uint64_t& steps) const {
  for (++steps;; ++steps) {
    if (const std::uint32_t found = child(node, byte); found != root || node == root) {
      return found;
    }
    node = nodes_[node].fallback;
  }
}

template <bool unescapes>
void SecretSearch::scan(std::string_view text, Found& found) const {
  // Of the last bytes that were read: where in the text each begins. A power of two, at least as long as any secret
  // that can be there.
  std::vector<std::size_t> begins(std::bit_ceil(std::min(longest_, text.size())));
  const std::size_t mask = begins.size() - 1;
  std::uint32_t node = root;
  std::size_t read = 0;
  const auto is_of_interest = [&](char c) { return branches_[root][as_byte(c)] != root || (unescapes && c == '\\'); };
  for (std::size_t at = 0; at < text.size();) {
    if (node == root && !is_of_interest(text[at])) {
      ++at;
      continue;
    }
    const Unescaped character = unescapes ? first_unescaped(text.substr(at)) : Unescaped{{text[at]}, 1, 1};
    for (std::size_t i = 0; i < character.count; ++i) {
      begins[read++ & mask] = at;
      node = next(node, as_byte(character.bytes[i]), found.steps);
      if (const std::size_t matched = nodes_[node].matched; matched > 0) {
        add(found.places, {begins[(read - matched) & mask], at + character.taken});
      }
    }
    at += character.taken;
  }
}

SecretSearch::Found SecretSearch::find(std::string_view text) const {
  Found found;
  if (secrets_.empty() || text.size() < shortest_) {
    return found;
  }
  scan<false>(text, found);
  if (text.find('\\') != std::string_view::npos) {
    std::vector<Place> as_they_are = std::exchange(found.places, {});
    scan<true>(text, found);
    as_they_are.insert(as_they_are.end(), found.places.begin(), found.places.end());
    std::ranges::sort(as_they_are, {}, &Place::begin);
    found.places.clear();
    for (const Place place : as_they_are) {
      add(found.places, place);
    }
  }
  return found;
}

}  // namespace openexec
