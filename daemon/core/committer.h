// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "daemon/core/op.h"
#include "daemon/core/store.h"

namespace openexec {

// An error means indeterminate: the operation may or may not be durable.
using CommitDone = std::move_only_function<void(StoreResult<OpResult>)>;
using RecoverDone = std::move_only_function<void(StoreResult<std::size_t>)>;

// Makes operations durable, in the order given. Calls back on the engine's thread, in that order, never from inside
// commit(). After an error every later operation fails too, until recover().
struct Committer {
  virtual ~Committer() = default;
  virtual void commit(Op op, CommitDone done) = 0;
  // Closes the store, opens it again and recovers. Called when every commit before it was called back, and nothing
  // reads or commits until it is done.
  virtual void recover(std::vector<ClaimKey> live, RecoverDone done) = 0;
  // For reads on the engine's thread; nullptr while recovering or after a recovery that failed.
  [[nodiscard]] virtual const Store* store() const = 0;
};

}  // namespace openexec
