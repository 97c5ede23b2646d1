// SPDX-License-Identifier: Apache-2.0
// A log and witnesses in memory, made with keys of the tests' own: for proofs, submissions and forks with no daemon.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/checkpoint.h"
#include "proto-json/json.h"
#include "proto-json/merkle.h"
#include "proto-json/receipt.h"
#include "proto-json/tlog_proof.h"

namespace openexec::test {

// Of a seed byte: the same in every run.
NoteSigner made_signer(std::string name, NoteKeyType type, std::uint8_t seed);

class MadeLog {
 public:
  explicit MadeLog(const std::string& origin = "vm1/openexec", std::uint8_t seed = 1);

  void append(std::string leaf);
  // That many leaves of no meaning, which differ from those of another `tag`.
  void append_many(std::uint64_t count, std::string_view tag = "leaf");

  [[nodiscard]] std::uint64_t size() const { return leaves_.size(); }
  [[nodiscard]] const NoteKey& key() const { return signer_.key(); }
  [[nodiscard]] std::string vkey() const { return to_vkey(key()); }
  [[nodiscard]] Hash root(std::uint64_t size) const;
  // The signed note of the first `size` leaves; of all when left out.
  [[nodiscard]] std::string checkpoint(std::optional<std::uint64_t> size = std::nullopt) const;
  [[nodiscard]] std::vector<Hash> inclusion(std::uint64_t index, std::uint64_t size) const;
  [[nodiscard]] std::vector<Hash> consistency(std::uint64_t from, std::uint64_t to) const;
  // Of the leaf at that index in the whole log, with these lines after the note's own signature.
  [[nodiscard]] TlogProof proof(std::uint64_t index, const std::optional<Json>& approval = std::nullopt,
                                std::string_view cosignatures = {}) const;
  // What a witness is asked, as text.
  [[nodiscard]] std::string submission(std::uint64_t from, std::uint64_t to) const;

 private:
  [[nodiscard]] Hash subtree(TreeNode node) const;
  [[nodiscard]] std::vector<Hash> hashes_of(const std::vector<NodeRun>& runs) const;

  NoteSigner signer_;
  std::vector<std::string> leaves_;
  std::vector<Hash> nodes_;  // by node_position()
  TreeEdge edge_;
};

// A log of that many leaves; those of another `tag` are a fork of it.
MadeLog made_log(std::uint64_t size, std::string_view tag = "leaf");

// The line with which that witness cosigns a signed note at that time.
std::string cosignature_line(const NoteSigner& witness, const std::string& note, std::uint64_t time_s);

// A receipt of that kind with every member that it has.
Receipt made_receipt(ReceiptKind kind, Mode mode = Mode::demo);

}  // namespace openexec::test
