// SPDX-License-Identifier: Apache-2.0
// The one writer of the store. While a transaction syncs, the next batch gathers: group commit with no timer.
#pragma once

#include <condition_variable>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "daemon/core/clock.h"
#include "daemon/core/commit.h"
#include "daemon/core/committer.h"
#include "daemon/core/recovery.h"
#include "daemon/io/high_water_file.h"
#include "daemon/io/turn.h"
#include "daemon/io/watchers.h"

namespace openexec {

// What the writer works with.
struct LogWriting {
  NoteSigner signer;
  HighWaterFile mark;         // follows every commit
  std::string adopt_command;  // what takes a store over that is behind it, for a person to type
};

// recover() of a store that is not behind its mark, which then follows. At a start, and again after a failure.
StoreResult<Recovered> recover_marked(Store& store, const LogWriting& writing, UtcTime now,
                                      std::span<const ClaimKey> live);

class CommitterThread final : public Committer {
  struct Private {};

 public:
  // Told on the loop when the store fails, and when it could not be opened again.
  using Failed = std::function<void(const StoreError&)>;

  // `clock` is read on both threads. Everything outlives it.
  static std::expected<std::unique_ptr<CommitterThread>, std::string> start(Loop& loop, LoopTurn& turn,
                                                                            const Clock& clock, CommitRules rules,
                                                                            std::unique_ptr<Store> store,
                                                                            LogWriting writing, Failed failed);
  CommitterThread(Private, Loop& loop, LoopTurn& turn, const Clock& clock, CommitRules rules,
                  std::unique_ptr<Store> store, LogWriting writing, Failed failed);
  // Waits for the transaction under way; what was not begun is dropped and not called back.
  ~CommitterThread() override;

  void commit(Op op, CommitDone done) override;
  void recover(std::vector<ClaimKey> live, RecoverDone done) override;
  [[nodiscard]] const Store* store() const override { return readable_; }

 private:
  struct Batch {
    std::vector<Op> ops;
    std::vector<CommitDone> done;
    StoreResult<std::vector<OpResult>> results;
    KeyChange keys;
  };
  struct Recovery {
    std::vector<ClaimKey> live;
    RecoverDone done;
    StoreResult<std::size_t> result;
    Store* store = nullptr;
  };
  struct Queue {
    std::vector<Op> ops;
    std::vector<CommitDone> done;
  };

  // On the loop.
  void hand_over();
  void call_back();
  // On the thread.
  void work();
  Batch take_batch(Queue& queue);
  void commit_batch(Batch& batch);
  void recover_store(Recovery& recovery);
  StoreResult<std::size_t> reopen(const std::vector<ClaimKey>& live);

  LoopTurn& turn_;
  const Clock& clock_;
  const CommitRules rules_;
  const Failed failed_;

  // The loop's.
  Queue gathered_;
  Store* readable_;  // for readers, and to publish to
  bool failure_told_ = false;

  // The thread's.
  std::unique_ptr<Store> store_;
  LogWriting writing_;
  StoreOptions options_;
  std::optional<StoreError> failure_;

  // Between them.
  std::mutex mutex_;
  std::condition_variable wake_;
  Queue queue_;
  std::optional<Recovery> recovery_asked_;
  std::vector<Batch> committed_;
  std::optional<Recovery> recovered_;
  bool stop_ = false;

  Waker waker_;
  std::thread thread_;
};

}  // namespace openexec
