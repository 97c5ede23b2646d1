// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/committer_thread.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "daemon/core/fault_point.h"
#include "daemon/core/high_water.h"
#include "daemon/core/recovery.h"
#include "daemon/io/worker_thread.h"
#include "proto-json/check.h"
#include "proto-json/limits.h"

namespace openexec {
namespace {

// Takes the first `count` away and gives them.
template <typename T>
std::vector<T> take_first(std::vector<T>& from, std::size_t count) {
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<T> out(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
  from.erase(from.begin(), end);
  return out;
}

template <typename T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  if (to.empty()) {
    to = std::move(from);
  } else {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  }
  from.clear();
}

}  // namespace

std::expected<std::unique_ptr<CommitterThread>, std::string> CommitterThread::start(Loop& loop, LoopTurn& turn,
                                                                                    const Clock& clock,
                                                                                    CommitRules rules,
                                                                                    std::unique_ptr<Store> store,
                                                                                    LogWriting writing, Failed failed) {
  auto committer = std::make_unique<CommitterThread>(Private(), loop, turn, clock, rules, std::move(store),
                                                     std::move(writing), std::move(failed));
  auto thread = start_thread([self = committer.get()] { self->work(); });
  if (!thread.has_value()) {
    return std::unexpected(std::string("cannot start a thread: raise the limit of processes (ulimit -u)"));
  }
  committer->thread_ = *std::move(thread);
  return committer;
}

CommitterThread::CommitterThread(Private, Loop& loop, LoopTurn& turn, const Clock& clock, CommitRules rules,
                                 std::unique_ptr<Store> store, LogWriting writing, Failed failed)
    : turn_(turn),
      clock_(clock),
      rules_(rules),
      failed_(std::move(failed)),
      readable_(store.get()),
      store_(std::move(store)),
      writing_(std::move(writing)),
      options_(store_->options()),
      waker_(loop, [this] { call_back(); }) {
  turn_.set(LoopTurn::Phase::commit, [this] { hand_over(); });
}

CommitterThread::~CommitterThread() {
  turn_.set(LoopTurn::Phase::commit, nullptr);
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
}

// --- on the loop ---

void CommitterThread::commit(Op op, CommitDone done) {
  gathered_.ops.push_back(std::move(op));
  gathered_.done.push_back(std::move(done));
  turn_.request(LoopTurn::Phase::commit);
}

void CommitterThread::hand_over() {
  {
    const std::lock_guard lock(mutex_);
    append(queue_.ops, std::move(gathered_.ops));
    append(queue_.done, std::move(gathered_.done));
  }
  wake_.notify_one();
}

void CommitterThread::recover(std::vector<ClaimKey> live, RecoverDone done) {
  OPENEXEC_CHECK(gathered_.ops.empty());
  readable_ = nullptr;
  {
    const std::lock_guard lock(mutex_);
    OPENEXEC_CHECK(!recovery_asked_.has_value() && queue_.ops.empty());
    recovery_asked_ = Recovery{std::move(live), std::move(done), 0, nullptr};
  }
  wake_.notify_one();
}

void CommitterThread::call_back() {
  std::vector<Batch> batches;
  std::optional<Recovery> recovery;
  {
    const std::lock_guard lock(mutex_);
    batches = std::exchange(committed_, {});
    recovery = std::exchange(recovered_, std::nullopt);
  }
  for (Batch& batch : batches) {
    if (!batch.results.has_value() && !std::exchange(failure_told_, true)) {
      failed_(batch.results.error());
    }
    if (batch.results.has_value()) {
      OPENEXEC_CHECK(readable_ != nullptr);  // the engine asks for a recovery once no commit is under way
      readable_->publish(batch.keys);
    }
    for (std::size_t i = 0; i < batch.done.size(); ++i) {
      if (batch.results.has_value()) {
        batch.done[i](std::move((*batch.results)[i]));
      } else {
        batch.done[i](std::unexpected(batch.results.error()));
      }
    }
  }
  if (recovery.has_value()) {
    readable_ = recovery->store;
    failure_told_ = !recovery->result.has_value();
    if (!recovery->result.has_value()) {
      failed_(recovery->result.error());
    }
    recovery->done(std::move(recovery->result));
  }
}

// --- on the thread ---

void CommitterThread::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !queue_.ops.empty() || recovery_asked_.has_value(); });
    if (stop_) {
      return;
    }
    if (!queue_.ops.empty()) {
      Batch batch = take_batch(queue_);
      lock.unlock();
      commit_batch(batch);
      lock.lock();
      committed_.push_back(std::move(batch));
    } else {
      Recovery recovery = *std::exchange(recovery_asked_, std::nullopt);
      lock.unlock();
      recover_store(recovery);
      lock.lock();
      recovered_ = std::move(recovery);
    }
    waker_.send();
  }
}

CommitterThread::Batch CommitterThread::take_batch(Queue& queue) {
  const std::size_t count = std::min(queue.ops.size(), limits::commit_ops_max);
  return {take_first(queue.ops, count), take_first(queue.done, count), {}, {}};
}

void CommitterThread::commit_batch(Batch& batch) {
  if (failure_.has_value()) {
    batch.results = std::unexpected(*failure_);
    return;
  }
  OPENEXEC_FAULT_POINT("commit.before");
  auto committed = commit_ops(*store_, writing_.signer, rules_, clock_.now(), batch.ops);
  OPENEXEC_FAULT_POINT("commit.after");
  if (!committed.has_value()) {
    failure_ = committed.error();
    batch.results = std::unexpected(committed.error());
  } else {
    OPENEXEC_CHECK(committed->results.size() == batch.done.size());
    batch.results = std::move(committed->results);
    batch.keys = std::move(committed->keys);
    // These are durable and are answered. With no mark to follow them, nothing more is taken until there is one again.
    const auto marked = committed->log ? writing_.mark.write(*committed->log) : std::expected<void, std::string>();
    if (!marked.has_value()) {
      failure_ = StoreError{marked.error()};
    }
  }
  OPENEXEC_FAULT_POINT("commit.marked");
  batch.ops.clear();  // what they hold is freed here, not on the loop
}

void CommitterThread::recover_store(Recovery& recovery) {
  recovery.result = reopen(recovery.live);
  if (recovery.result.has_value()) {
    failure_.reset();
    recovery.store = store_.get();
  }
}

StoreResult<std::size_t> CommitterThread::reopen(const std::vector<ClaimKey>& live) {
  failure_ = StoreError{"the store is closed"};
  store_.reset();
  auto opened = Store::open(options_);
  if (!opened.has_value()) {
    return std::unexpected(StoreError{opened.error()});
  }
  store_ = *std::move(opened);
  const auto recovered = recover_marked(*store_, writing_, clock_.now(), live);
  return recovered.has_value() ? StoreResult<std::size_t>(recovered->closed) : std::unexpected(recovered.error());
}

StoreResult<Recovered> recover_marked(Store& store, const LogWriting& writing, UtcTime now,
                                      std::span<const ClaimKey> live) {
  const auto mark = writing.mark.read();
  if (!mark.has_value()) {
    return std::unexpected(StoreError{mark.error()});
  }
  const auto behind = why_behind(store, *mark, writing.adopt_command);
  if (!behind.has_value()) {
    return std::unexpected(behind.error());
  }
  if (behind->has_value()) {
    return std::unexpected(StoreError{**behind});
  }
  auto recovered = recover(store, writing.signer, now, live);
  if (!recovered.has_value()) {
    return recovered;
  }
  auto marked = writing.mark.write(recovered->log);
  marked = marked.has_value() ? writing.mark.sync() : marked;
  return marked.has_value() ? std::move(recovered) : std::unexpected(StoreError{marked.error()});
}

}  // namespace openexec
