// SPDX-License-Identifier: Apache-2.0
// What the engine is given, stepped by hand: nothing calls back until the test says so.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/core/clock.h"
#include "daemon/core/commit.h"
#include "daemon/core/committer.h"
#include "daemon/core/keyring.h"
#include "daemon/core/recovery.h"
#include "daemon/core/runner.h"
#include "daemon/core/verifier.h"
#include "proto-json/canonical.h"
#include "tests/support/catch.h"

namespace openexec::test {

class FakeClock : public Clock {
 public:
  explicit FakeClock(UtcTime now) : now_(now) {}
  [[nodiscard]] UtcTime now() const override { return now_; }
  void set(UtcTime now) { now_ = now; }
  void advance_s(std::int64_t seconds) { now_ = plus_s(now_, seconds); }

 private:
  UtcTime now_;
};

// The real check of signatures, when told to.
class FakeVerifier : public Verifier {
 public:
  explicit FakeVerifier(const Keyring& keyring) : keyring_(keyring) {}

  void verify(SignatureCheck check, VerifyDone done) override {
    asked_.emplace_back(std::move(check), std::move(done));
  }

  [[nodiscard]] std::size_t waiting() const { return asked_.size(); }
  [[nodiscard]] std::size_t total() const { return total_; }
  bool step() {
    if (asked_.empty()) {
      return false;
    }
    auto [check, done] = std::move(asked_.front());
    asked_.pop_front();
    ++total_;
    done(find_signer(keyring_, check));
    return true;
  }

 private:
  const Keyring& keyring_;
  std::deque<std::pair<SignatureCheck, VerifyDone>> asked_;
  std::size_t total_ = 0;
};

// How the next transaction fails.
enum class CommitFailure {
  absent,   // nothing of it is durable
  durable,  // all of it is, though its writer was told that it failed
};

// A real store. A commit has two steps, so that a test can act between them: it becomes durable, and the engine hears
// of it.
class FakeCommitter : public Committer {
 public:
  FakeCommitter(const Clock& clock, StoreOptions options, CommitRules rules, NoteSigner signer)
      : clock_(clock), options_(std::move(options)), rules_(rules), signer_(std::move(signer)), store_(opened()) {
    REQUIRE(openexec::recover(*store_, signer_, clock_.now(), {}).has_value());
  }

  void commit(Op op, CommitDone done) override {
    ++total_;
    queue_.emplace_back(std::move(op), std::move(done));
  }
  void recover(std::vector<ClaimKey> live, RecoverDone done) override {
    REQUIRE(queue_.empty());
    REQUIRE(made_.empty());
    REQUIRE(recovery_ == nullptr);
    readable_ = false;
    live_ = std::move(live);
    recovery_ = std::make_unique<RecoverDone>(std::move(done));
  }
  [[nodiscard]] const Store* store() const override { return readable_ ? store_.get() : nullptr; }

  // Commits all that is queued in one transaction.
  bool make_durable() {
    if (queue_.empty()) {
      return false;
    }
    std::vector<Op> ops;
    for (auto& [op, done] : queue_) {
      ops.push_back(op);
    }
    StoreResult<std::vector<OpResult>> results = std::unexpected(StoreError{"the disk is gone"});
    if (!failed_ && next_failure_ != CommitFailure::absent) {
      auto committed = commit_ops(*store_, signer_, rules_, clock_.now(), ops);
      if (committed) {
        store_->publish(committed->keys);
      }
      results = committed ? StoreResult<std::vector<OpResult>>(std::move(committed->results))
                          : std::unexpected(committed.error());
    }
    if (next_failure_) {
      results = std::unexpected(StoreError{"the disk is gone"});
      next_failure_.reset();
    }
    failed_ = failed_ || !results.has_value();
    for (std::size_t i = 0; i < queue_.size(); ++i) {
      made_.emplace_back(results ? StoreResult<OpResult>(std::move(results->at(i))) : std::unexpected(results.error()),
                         std::move(queue_[i].second));
    }
    queue_.clear();
    return true;
  }
  // Tells the engine of one operation.
  bool deliver_one() {
    if (made_.empty()) {
      return false;
    }
    auto [result, done] = std::move(made_.front());
    made_.pop_front();
    done(std::move(result));
    return true;
  }
  bool deliver() {
    bool any = false;
    while (deliver_one()) {
      any = true;
    }
    return any;
  }
  // Does the recovery that was asked for, or fails it.
  bool finish_recovery(bool works = true) {
    if (recovery_ == nullptr) {
      return false;
    }
    const auto done = std::exchange(recovery_, nullptr);
    if (!works) {
      (*done)(std::unexpected(StoreError{"the disk is still gone"}));
      return true;
    }
    store_.reset();
    store_ = opened();
    const auto recovered = openexec::recover(*store_, signer_, clock_.now(), live_);
    REQUIRE(recovered.has_value());
    failed_ = false;
    readable_ = true;
    (*done)(recovered->closed);
    return true;
  }

  void fail_next(CommitFailure how) { next_failure_ = how; }
  [[nodiscard]] std::size_t total() const { return total_; }  // operations ever asked for
  [[nodiscard]] std::size_t queued() const { return queue_.size(); }
  [[nodiscard]] std::size_t undelivered() const { return made_.size(); }
  [[nodiscard]] bool recovery_asked() const { return recovery_ != nullptr; }
  [[nodiscard]] Store& real_store() { return *store_; }
  [[nodiscard]] CommitRules& rules() { return rules_; }

 private:
  [[nodiscard]] std::unique_ptr<Store> opened() const {
    auto store = Store::open(options_);
    INFO((store ? std::string() : store.error()));
    REQUIRE(store.has_value());
    return *std::move(store);
  }

  const Clock& clock_;
  StoreOptions options_;
  CommitRules rules_;
  const NoteSigner signer_;
  std::unique_ptr<Store> store_;
  std::deque<std::pair<Op, CommitDone>> queue_;
  std::deque<std::pair<StoreResult<OpResult>, CommitDone>> made_;
  std::unique_ptr<RecoverDone> recovery_;
  std::vector<ClaimKey> live_;
  std::optional<CommitFailure> next_failure_;
  std::size_t total_ = 0;
  bool failed_ = false;
  bool readable_ = true;
};

// Counts the effects by request: an effect takes place when run() is called.
class FakeRunner : public Runner {
 public:
  struct Started {
    std::string request;  // action and compact payload
    RunDone done;
  };

  void run(const Action& action, const Json& payload, RunDone done) override {
    const std::string request = action.name + to_compact(payload);
    ++effects_[request];
    ++effects_total_;
    started_.push_back({request, std::move(done)});
  }

  [[nodiscard]] std::size_t running() const { return started_.size(); }
  [[nodiscard]] std::size_t effects() const { return effects_total_; }
  [[nodiscard]] const std::map<std::string, std::size_t>& effects_by_request() const { return effects_; }
  // A crash: what ran will never end, and its effect stays.
  void forget_running() { started_.clear(); }
  // Ends the oldest run.
  void finish(RunResult result = {ReceiptKind::executed, R"({"done": true})", 1500}) {
    REQUIRE_FALSE(started_.empty());
    RunDone done = std::move(started_.front().done);
    started_.pop_front();
    done(std::move(result));
  }

 private:
  std::deque<Started> started_;
  std::map<std::string, std::size_t> effects_;
  std::size_t effects_total_ = 0;
};

}  // namespace openexec::test
