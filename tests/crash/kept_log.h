// SPDX-License-Identifier: Apache-2.0
// What somebody outside keeps of a daemon's log, over all of its lives: its key, its leaves and its checkpoints. Each
// look must continue the one before.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto-json/json.h"
#include "proto-json/merkle.h"
#include "proto-json/note.h"
#include "tests/support/agent_socket.h"

namespace openexec::test {

class KeptLog {
 public:
  KeptLog();

  // The daemon runs. Requires that
  //   - the entries that were seen before are followed by others or by none, and its checkpoint is signed with the key
  //     it always had, and is of all of them, by the tree made of the leaves alone;
  //   - its consistency proofs lead there from every checkpoint that was seen before;
  //   - its inclusion proofs show every entry.
  void check(AgentSocket& socket);
  // The proof of an answer that came at any time before the last check.
  void check_proof(const std::string& text) const;
  // `openexec log verify` finds nothing wrong in that store, which a daemon may have open.
  void check_store(const std::string& dir) const;
  // A text of the high-water file, read before the last check, says no more than the log has.
  void check_mark(const std::string& text) const;

  // Receipts and summaries, in order.
  [[nodiscard]] const std::vector<Json>& entries() const { return entries_; }

 private:
  void read_entries(AgentSocket& socket);
  void check_consistency(AgentSocket& socket, std::uint64_t from) const;
  void check_inclusion(AgentSocket& socket, std::uint64_t index) const;

  std::optional<NoteKey> key_;
  std::vector<Json> entries_;
  std::vector<Hash> leaves_;
  TreeEdge tree_;
  std::vector<Hash> roots_;             // by size, from 0
  std::map<std::uint64_t, Hash> seen_;  // checkpoints
};

}  // namespace openexec::test
