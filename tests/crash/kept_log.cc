// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/kept_log.h"

#include "client/verify.h"
#include "proto-json/canonical.h"
#include "proto-json/checkpoint.h"
#include "proto-json/crypto.h"
#include "proto-json/text_lines.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

Json ask(AgentSocket& socket, std::string_view method, const Json& params = nullptr) {
  return call(socket, method, params).result();
}

Checkpoint opened(const std::string& text, const NoteKey& key) {
  const auto note = read_note(text);
  REQUIRE(note.has_value());
  const auto checkpoint = open_checkpoint(*note, key);
  INFO((checkpoint ? std::string() : checkpoint.error()));
  REQUIRE(checkpoint.has_value());
  return *checkpoint;
}

std::vector<Hash> hashes_of(const Json& result) {
  std::vector<Hash> hashes;
  for (const Json& text : *member(result, "hashes").if_array()) {
    const auto hash = read_base64_hash(*text.if_string());
    REQUIRE(hash.has_value());
    hashes.push_back(*hash);
  }
  return hashes;
}

}  // namespace

KeptLog::KeptLog() : roots_{empty_root()} { init_crypto(); }

void KeptLog::read_entries(AgentSocket& socket) {
  for (Json& entry : log_of(socket, entries_.size())) {
    leaves_.push_back(leaf_hash(to_jcs(entry)));
    tree_.append(leaves_.back(), [](const Hash&) {});
    roots_.push_back(tree_.root());
    entries_.push_back(std::move(entry));
  }
}

void KeptLog::check(AgentSocket& socket) {
  const Json health = ask(socket, "health");
  const auto key = read_vkey(string_member(member(health, "log"), "vkey"));
  REQUIRE(key.has_value());
  REQUIRE(key_.value_or(*key) == *key);
  key_ = *key;

  const std::uint64_t before = leaves_.size();
  read_entries(socket);
  const Checkpoint now = opened(string_member(ask(socket, "log/checkpoint"), "checkpoint"), *key_);
  REQUIRE(now.size == leaves_.size());
  REQUIRE(now.root == roots_.back());
  for (const auto& [size, root] : seen_) {
    INFO("from " << size << " to " << now.size);
    check_consistency(socket, size);
  }
  seen_.emplace(now.size, now.root);
  for (std::uint64_t index = before; index < now.size; ++index) {
    check_inclusion(socket, index);
  }
}

void KeptLog::check_consistency(AgentSocket& socket, std::uint64_t from) const {
  const auto to = static_cast<std::int64_t>(leaves_.size());
  const Json proof =
      ask(socket, "log/consistency", Json::object({{"from", static_cast<std::int64_t>(from)}, {"to", to}}));
  REQUIRE(verify_consistency(from, leaves_.size(), seen_.at(from), roots_.back(), hashes_of(proof)));
}

void KeptLog::check_inclusion(AgentSocket& socket, std::uint64_t index) const {
  INFO("entry " << index);
  const Json proof = ask(socket, "log/inclusion", Json::object({{"index", static_cast<std::int64_t>(index)}}));
  REQUIRE(verify_inclusion(leaves_[index], index, leaves_.size(), hashes_of(proof), roots_.back()));
}

void KeptLog::check_proof(const std::string& text) const {
  const client::ProofReport report = client::verify_proof(text, {.log = key_.value()});
  INFO(text);
  REQUIRE(report.ok());
  REQUIRE(report.included.answer == client::Answer::yes);
  REQUIRE(report.log_signature.answer == client::Answer::yes);
  REQUIRE(report.checkpoint->size < roots_.size());
  REQUIRE(report.checkpoint->root == roots_[report.checkpoint->size]);
  REQUIRE(leaf_hash(*report.leaf_text) == leaves_[*report.index]);
}

void KeptLog::check_store(const std::string& dir) const {
  const Completed verified = run({.argv = {openexec_path(), "log", "verify", dir, "--log-key", to_vkey(key_.value())}});
  INFO(verified.out << verified.err);
  REQUIRE(verified.exit_code == 0);
}

void KeptLog::check_mark(const std::string& text) const {
  std::string_view rest = text;
  std::vector<std::string_view> lines;
  for (auto line = take_line(rest); line; line = take_line(rest)) {
    lines.push_back(*line);
  }
  REQUIRE(lines.size() == 5);
  const auto size = std::stoull(std::string(lines[2]));
  REQUIRE(size < roots_.size());
  REQUIRE(read_base64_hash(lines[3]) == roots_[size]);
}

}  // namespace openexec::test
