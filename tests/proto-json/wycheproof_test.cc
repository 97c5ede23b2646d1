// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <vector>

#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "tests/support/catch.h"
#include "tests/support/corpora.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

// Versions of libsodium judge some signatures with a part of small order differently; this corpus holds none of those.
TEST_CASE("Ed25519 verifies what is valid in the Wycheproof corpus and nothing else") {
  const auto path = find_corpus("wycheproof-ed25519.json");
  if (!path) {
    return;
  }
  init_crypto();
  const Json corpus = parsed(read_file(*path));
  std::int64_t tests = 0;
  for (const Json& group : *member(corpus, "testGroups").if_array()) {
    const PublicKey key = PublicKey::from(from_hex(string_member(member(group, "publicKey"), "pk")).value()).value();
    for (const Json& test : *member(group, "tests").if_array()) {
      INFO("tcId " << *member(test, "tcId").if_int());
      const std::vector<std::uint8_t> message = from_hex(string_member(test, "msg")).value();
      // A signature of another length has no Signature at all: the caller refuses it.
      const std::optional<Signature> signature = Signature::from(from_hex(string_member(test, "sig")).value());
      const bool verifies = signature && verify_signature(key, message, *signature);
      const std::string& result = string_member(test, "result");
      REQUIRE((result == "valid" || result == "invalid"));
      CHECK(verifies == (result == "valid"));
      ++tests;
    }
  }
  CHECK(tests == *member(corpus, "numberOfTests").if_int());
}

}  // namespace
}  // namespace openexec
