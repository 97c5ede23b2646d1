// SPDX-License-Identifier: Apache-2.0
// Any bytes as a proof and what comes with it, as a submission to a witness and its answer, as a leaf and as a bundle
// of leaves. What is read is written as it was, and a witness cosigns nothing that its log did not sign.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto-json/check.h"
#include "proto-json/json.h"
#include "proto-json/tiles.h"
#include "proto-json/tlog_proof.h"
#include "proto-json/witness.h"
#include "tests/support/model_leaf.h"
#include "tests/support/note_keys.h"

namespace {

using namespace openexec;

void check_extra(std::string_view bytes) {
  const auto extra = read_extra(bytes);
  if (!extra) {
    OPENEXEC_CHECK(!extra.error().empty());
    return;
  }
  const auto again = read_extra(to_extra(extra->leaf, extra->approval));
  OPENEXEC_CHECK(again && again->leaf == extra->leaf && again->approval == extra->approval);
  OPENEXEC_CHECK(both_ways_agree(extra->leaf));
}

void check_proof(std::string_view bytes) {
  const auto proof = read_tlog_proof(bytes);
  if (!proof) {
    OPENEXEC_CHECK(!proof.error().empty());
    return;
  }
  OPENEXEC_CHECK(to_text(*proof) == bytes);
  if (proof->extra) {
    check_extra(*proof->extra);
  }
}

void check_submission(std::string_view bytes) {
  const auto submission = read_submission(bytes);
  OPENEXEC_CHECK(submission ? to_text(*submission) == bytes : !submission.error().empty());
  // A key that signs only here: no input carries a signature of its making.
  static const std::array logs{test_log("host.example/openexec").key()};
  const auto opened = open_submission(bytes, logs);
  OPENEXEC_CHECK(!opened && !opened.error().message.empty() && !opened.error().is_evidence);
  OPENEXEC_CHECK(submission || opened.error().why == WitnessRefusal::malformed);
}

void check_answer(std::string_view bytes) {
  const auto answer = read_witness_answer(bytes);
  OPENEXEC_CHECK(answer ? to_text(*answer) == bytes : !answer.error().empty());
}

void check_bundle(std::string_view bytes) {
  if (bytes.empty()) {
    return;
  }
  const std::uint64_t width = std::uint64_t{1} + static_cast<std::uint8_t>(bytes.front());
  bytes.remove_prefix(1);
  const auto leaves = read_bundle(bytes, width);
  if (!leaves) {
    return;
  }
  OPENEXEC_CHECK(leaves->size() == width);
  std::string again;
  for (const std::string_view leaf : *leaves) {
    append_bundle_entry(again, leaf);
  }
  OPENEXEC_CHECK(again == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  init_crypto();
  const std::string_view text = text_of({data, size});
  check_proof(text);
  check_extra(text);
  check_submission(text);
  check_answer(text);
  OPENEXEC_CHECK(both_ways_agree(text));
  check_bundle(text);
  return 0;
}
