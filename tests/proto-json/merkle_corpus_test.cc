// SPDX-License-Identifier: Apache-2.0
// The proofs of the transparency.dev corpus: inclusion and consistency, good and bad.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "proto-json/canonical.h"
#include "proto-json/encoding.h"
#include "proto-json/merkle.h"
#include "tests/support/catch.h"
#include "tests/support/corpora.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

std::vector<Json> cases_below(const std::filesystem::path& folder) {
  std::vector<Json> cases;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".json") {
      // Two cases have an index that our integers do not hold: as -1 it becomes the same 64 bits.
      std::string text = read_file(entry.path());
      constexpr std::string_view past_the_end = "18446744073709551615";
      if (const std::size_t at = text.find(past_the_end); at != std::string::npos) {
        text.replace(at, past_the_end.size(), "-1");
      }
      cases.push_back(parsed(text));
    }
  }
  return cases;
}

std::uint64_t size_member(const Json& object, std::string_view key) {
  const std::int64_t* const value = member(object, key).if_int();
  REQUIRE(value != nullptr);
  return static_cast<std::uint64_t>(*value);
}

// A hash of another length has no value here, so a case that has one is refused before anything is computed.
std::optional<Hash> hash_of(const std::string& base64) {
  const auto bytes = from_base64(base64);
  REQUIRE(bytes);
  return Hash::from(*bytes);
}
std::optional<Hash> hash_member(const Json& object, std::string_view key) {
  return hash_of(string_member(object, key));
}

std::optional<std::vector<Hash>> proof_of(const Json& test) {
  std::vector<Hash> out;
  const Json::Array* const hashes = member(test, "proof").if_array();  // null: none
  for (const Json& each : hashes == nullptr ? Json::Array{} : *hashes) {
    const std::string* const text = each.if_string();
    REQUIRE(text != nullptr);
    const auto hash = hash_of(*text);
    if (!hash) {
      return std::nullopt;
    }
    out.push_back(*hash);
  }
  return out;
}

bool includes(const Json& test) {
  const auto root = hash_member(test, "root");
  const auto leaf = hash_member(test, "leafHash");
  const auto proof = proof_of(test);
  return root && leaf && proof &&
         verify_inclusion(*leaf, size_member(test, "leafIdx"), size_member(test, "treeSize"), *proof, *root);
}

bool is_consistent(const Json& test) {
  const auto from = hash_member(test, "root1");
  const auto to = hash_member(test, "root2");
  const auto proof = proof_of(test);
  return from && to && proof &&
         verify_consistency(size_member(test, "size1"), size_member(test, "size2"), *from, *to, *proof);
}

TEST_CASE("inclusion proofs are accepted and refused as in the corpus") {
  const auto corpus = find_corpus("merkle");
  if (!corpus) {
    return;
  }
  const auto cases = cases_below(*corpus / "inclusion");
  CHECK(cases.size() == 98);
  CHECK(std::ranges::count_if(cases, includes) == 6);
  for (const Json& test : cases) {
    INFO(to_compact(test));
    CHECK(includes(test) != bool_member(test, "wantErr"));
  }
}

TEST_CASE("consistency proofs are accepted and refused as in the corpus") {
  const auto corpus = find_corpus("merkle");
  if (!corpus) {
    return;
  }
  const auto cases = cases_below(*corpus / "consistency");
  CHECK(cases.size() == 98);
  std::size_t accepted = 0;
  for (const Json& test : cases) {
    // One case calls two equal roots of 12 bytes consistent. A root of ours has 32.
    const bool has_short_root = !hash_member(test, "root1");
    INFO(to_compact(test));
    CHECK(is_consistent(test) == (!bool_member(test, "wantErr") && !has_short_root));
    accepted += is_consistent(test) ? 1U : 0U;
  }
  CHECK(accepted == 5);
}

}  // namespace
}  // namespace openexec
