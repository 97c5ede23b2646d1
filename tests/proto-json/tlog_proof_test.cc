// SPDX-License-Identifier: Apache-2.0
#include "proto-json/tlog_proof.h"

#include <string>

#include "proto-json/canonical.h"
#include "proto-json/checkpoint.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "tests/support/catch.h"
#include "tests/support/model_tree.h"
#include "tests/support/note_keys.h"
#include "tests/support/receipts.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

TlogProof some_proof() {
  ModelTree tree(100);
  const NoteSigner log = test_log("host.example/openexec");
  return {to_extra(to_leaf(full_receipt(ReceiptKind::executed)), Json::object({{"approval_id", "x"}})), 73,
          tree.inclusion(73, 100), sign_checkpoint(log, {"host.example/openexec", 100, tree.root(100)})};
}

TEST_CASE("a proof reads as it was written, and has the lines of the specification") {
  TlogProof proof = some_proof();
  CHECK(read_tlog_proof(to_text(proof)) == proof);
  CHECK(to_text(proof).starts_with("c2sp.org/tlog-proof@v1\nextra " + to_base64(bytes_of(*proof.extra)) +
                                   "\nindex 73\n" + to_base64(proof.hashes[0].view()) + "\n"));
  CHECK(to_text(proof).ends_with("\n\n" + proof.checkpoint));
  proof.extra.reset();
  CHECK(read_tlog_proof(to_text(proof)) == proof);
  CHECK(to_text(proof).starts_with("c2sp.org/tlog-proof@v1\nindex 73\n"));
  proof.extra = "";
  CHECK(read_tlog_proof(to_text(proof)) == proof);
  proof.extra = std::string("\0\xff\n", 3);
  proof.hashes.clear();
  CHECK(read_tlog_proof(to_text(proof)) == proof);
  proof.hashes.resize(limits::proof_hashes_max);
  CHECK(read_tlog_proof(to_text(proof)) == proof);
  proof.hashes.emplace_back();
  CHECK_FALSE(read_tlog_proof(to_text(proof)).has_value());
}

TEST_CASE("what is no proof is refused with a word on why") {
  const std::string good = to_text(some_proof());
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string out = good;
    out.replace(out.find(from), from.size(), to);
    REQUIRE(out != good);
    return out;
  };
  for (const std::string& bad :
       {std::string(), std::string("\n"), good.substr(1), with("@v1", "@v2"), with("@v1\n", "@v1\r\n"),
        with("index 73", "index 073"), with("index 73", "index  73"), with("index 73", "index -1"),
        with("index 73", "Index 73"), with("index 73\n", ""), with("index 73\n", "index 73\nindex 73\n"),
        with("extra ", "extra  "), with("extra ", "extra !"), with("extra ", "more "), with("=\n\n", "=\n"),
        with("=\n\n", "\n\n"), with("=\n\n", "=\n \n\n"), good.substr(0, good.find("\n\n"))}) {
    INFO(bad);
    const auto read = read_tlog_proof(bad);
    REQUIRE_FALSE(read);
    CHECK_FALSE(read.error().empty());
  }
  CHECK_FALSE(read_tlog_proof(good + std::string(limits::proof_bytes_max, 'x')).has_value());
}

TEST_CASE("no bit of a proof's own lines can be flipped unseen") {
  const TlogProof proof = some_proof();
  const std::string good = to_text(proof);
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string damaged = good;
    damaged[bit / 8] = static_cast<char>(static_cast<unsigned char>(damaged[bit / 8]) ^ (1U << (bit % 8)));
    const auto read = read_tlog_proof(damaged);
    INFO(damaged);
    CHECK((!read || (*read != proof && to_text(*read) == damaged)));
  }
}

TEST_CASE("what comes with a proof is a receipt and, where there was one, the approval") {
  const std::string leaf = to_leaf(full_receipt(ReceiptKind::denied));
  const Json approval = parsed(R"({"approval_id":"x","tenant_id":"é"})");
  const auto both = read_extra(to_extra(leaf, approval));
  REQUIRE(both);
  CHECK(both->leaf == leaf);
  CHECK(both->approval == approval);
  const auto one = read_extra(to_extra(leaf, std::nullopt));
  REQUIRE(one);
  CHECK(one->leaf == leaf);
  CHECK_FALSE(one->approval.has_value());
  for (const std::string bad :
       {"", "x", "[]", "{}", "null", R"({"receipt":1})", R"({"receipt":[]})", R"({"approval":{}})",
        R"({"receipt":{},"approval":null})", R"({"receipt":{},"approval":"x"})", R"({"receipt":{},"more":1})",
        R"({"receipt":{},"approval":{},"more":1})", R"({"receipt":{},"receipt":{}})", R"({"receipt":{}}x)"}) {
    INFO(bad);
    const auto read = read_extra(bad);
    REQUIRE_FALSE(read);
    CHECK_FALSE(read.error().empty());
  }
}

TEST_CASE("what comes with a proof has one spelling") {
  const std::string leaf = to_leaf(full_receipt(ReceiptKind::denied));
  const std::string good = to_extra(leaf, parsed(R"({"b":1.5,"a":"\u00e9"})"));
  REQUIRE(read_extra(good));
  CHECK(to_extra(read_extra(good)->leaf, read_extra(good)->approval) == good);
  const std::string approval = good.substr(1, good.find(R"(,"receipt")") - 1);
  for (const std::string& bad :
       {to_spaced(parsed(good)), " " + good, good + "\n", "{\"receipt\":" + leaf + "," + approval + "}",
        good.substr(0, good.size() - 1) + " }"}) {
    INFO(bad);
    const auto read = read_extra(bad);
    REQUIRE_FALSE(read);
    CHECK(read.error() == "what comes with the proof is not in its canonical form");
  }
}

}  // namespace
}  // namespace openexec
