// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/committer_thread.h"

#include <sys/resource.h>

#include <atomic>
#include <csignal>

#include "daemon/core/claims.h"
#include "daemon/core/receipt_log.h"
#include "daemon/core/recovery.h"
#include "tests/io/io_support.h"
#include "tests/support/note_keys.h"
#include "tests/support/temp_dir.h"

namespace openexec {
namespace {

// Asked for the time once in each transaction, so it counts them.
struct CountingClock final : Clock {
  [[nodiscard]] UtcTime now() const override {
    calls += 1;
    return {1'800'000'000 * us_per_s};
  }
  mutable std::atomic<int> calls = 0;
};

// Nothing can be written to a file while one of these lives. SIGXFSZ, which says so, is ignored.
class WritesFail {
 public:
  WritesFail() {
    std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before_) == 0);
    rlimit none = before_;
    none.rlim_cur = 0;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &none) == 0);
  }
  WritesFail(const WritesFail&) = delete;
  WritesFail& operator=(const WritesFail&) = delete;
  ~WritesFail() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

struct Fixture {
  Fixture() {
    StoreOptions options;
    options.dir = dir.path().string();
    options.map_size_bytes = std::size_t{16} << 20;
    options.origin = "test/openexec";
    auto store = Store::open(options);
    REQUIRE(store.has_value());
    auto mark = HighWaterFile::open(HighWaterFile::path_beside(options.dir));
    REQUIRE(mark.has_value());
    LogWriting writing{test_log(options.origin), *std::move(mark), "openexec store adopt"};
    REQUIRE(recover_marked(**store, writing, {}, {}).has_value());
    auto started = CommitterThread::start(*loop, turn, clock, {}, *std::move(store), std::move(writing),
                                          [this](const StoreError& error) { failures.push_back(error.message); });
    REQUIRE(started.has_value());
    committer = *std::move(started);
  }

  static Claim claim_of(const std::string& nonce) {
    Policy policy;
    ExecuteRequest request;
    request.action = "echo";
    request.payload = Json::object({});
    request.nonce = nonce;
    return {std::make_shared<const Attempt>(make_attempt(policy, Hash(), Peer(), request)), std::nullopt, nullptr};
  }

  void commit(const std::string& nonce) {
    committer->commit(claim_of(nonce), [this, nonce](StoreResult<OpResult> result) {
      finished.push_back(nonce);
      results.push_back(std::move(result));
    });
  }
  bool until_finished(std::size_t count) {
    return test::serve_until(*loop, [&] { return finished.size() >= count; });
  }
  std::uint64_t entries() {
    const auto txn = committer->store()->read();
    REQUIRE(txn.has_value());
    return log_size(*txn).value();
  }

  test::TempDir dir;
  CountingClock clock;
  std::unique_ptr<Loop> loop = test::open_loop();
  LoopTurn turn{*loop};
  std::vector<std::string> failures;
  std::vector<std::string> finished;
  std::vector<StoreResult<OpResult>> results;
  std::unique_ptr<CommitterThread> committer;
};

TEST_CASE("what one turn asks for is one transaction, called back in order, never from inside commit") {
  Fixture fixture;
  const int before = fixture.clock.calls;
  std::vector<std::string> asked;
  for (int i = 0; i < 100; ++i) {
    asked.push_back("nonce-" + std::to_string(i));
    fixture.commit(asked.back());
  }
  CHECK(fixture.finished.empty());
  REQUIRE(fixture.until_finished(100));
  CHECK(fixture.finished == asked);
  CHECK(fixture.clock.calls - before == 1);
  for (const auto& result : fixture.results) {
    REQUIRE(result.has_value());
    CHECK(std::holds_alternative<Claimed>(*result));
  }
  CHECK(fixture.entries() == 100);
}

TEST_CASE("more than one transaction may hold is taken in several, in order") {
  Fixture fixture;
  const int before = fixture.clock.calls;
  std::vector<std::string> asked;
  for (std::size_t i = 0; i < limits::commit_ops_max + 1; ++i) {
    asked.push_back("nonce-" + std::to_string(i));
    fixture.commit(asked.back());
  }
  REQUIRE(fixture.until_finished(asked.size()));
  CHECK(fixture.finished == asked);
  CHECK(fixture.clock.calls - before == 2);
}

TEST_CASE("an operation that may not be applied does not touch its neighbours") {
  Fixture fixture;
  fixture.commit("a");
  fixture.commit("a");
  fixture.commit("b");
  REQUIRE(fixture.until_finished(3));
  CHECK(std::holds_alternative<Claimed>(fixture.results[0].value()));
  CHECK(std::holds_alternative<AlreadyClaimed>(fixture.results[1].value()));
  CHECK(std::holds_alternative<Claimed>(fixture.results[2].value()));
}

TEST_CASE("after a failure everything fails until the store was opened again and recovered") {
  Fixture fixture;
  fixture.commit("before");
  REQUIRE(fixture.until_finished(1));
  {
    const WritesFail writes_fail;
    fixture.commit("lost");
    REQUIRE(fixture.until_finished(2));
  }
  CHECK_FALSE(fixture.results[1].has_value());
  REQUIRE(fixture.failures.size() == 1);
  fixture.commit("too early");  // writing works again, the store is still not trusted
  REQUIRE(fixture.until_finished(3));
  CHECK_FALSE(fixture.results[2].has_value());
  CHECK(fixture.failures.size() == 1);  // told once

  std::optional<StoreResult<std::size_t>> recovered;
  fixture.committer->recover({}, [&](StoreResult<std::size_t> result) { recovered = std::move(result); });
  CHECK(fixture.committer->store() == nullptr);
  REQUIRE(test::serve_until(*fixture.loop, [&] { return recovered.has_value(); }));
  REQUIRE(recovered->has_value());
  CHECK(**recovered == 1);  // "before" was claimed and has no outcome
  REQUIRE(fixture.committer->store() != nullptr);
  CHECK(fixture.entries() == 2);

  fixture.commit("after");
  REQUIRE(fixture.until_finished(4));
  CHECK(fixture.results[3].has_value());
}

TEST_CASE("claims that still run in this process are not closed by a recovery") {
  Fixture fixture;
  fixture.commit("running");
  REQUIRE(fixture.until_finished(1));
  std::optional<StoreResult<std::size_t>> recovered;
  fixture.committer->recover({Fixture::claim_of("running").attempt->claim_key},
                             [&](StoreResult<std::size_t> result) { recovered = std::move(result); });
  REQUIRE(test::serve_until(*fixture.loop, [&] { return recovered.has_value(); }));
  REQUIRE(recovered->has_value());
  CHECK(**recovered == 0);
}

TEST_CASE("a recovery that fails is told, leaves nothing to read, and can be tried again") {
  Fixture fixture;
  std::optional<StoreResult<std::size_t>> recovered;
  const auto done = [&](StoreResult<std::size_t> result) { recovered = std::move(result); };
  {
    const WritesFail writes_fail;
    fixture.committer->recover({}, done);
    REQUIRE(test::serve_until(*fixture.loop, [&] { return recovered.has_value(); }));
  }
  CHECK_FALSE(recovered->has_value());
  CHECK(fixture.failures.size() == 1);
  CHECK(fixture.committer->store() == nullptr);
  fixture.commit("meanwhile");
  REQUIRE(fixture.until_finished(1));
  CHECK_FALSE(fixture.results[0].has_value());

  recovered.reset();
  fixture.committer->recover({}, done);
  REQUIRE(test::serve_until(*fixture.loop, [&] { return recovered.has_value(); }));
  CHECK(recovered->has_value());
  CHECK(fixture.committer->store() != nullptr);
}

TEST_CASE("what is queued when a committer goes is dropped and not called back") {
  Fixture fixture;
  fixture.commit("a");
  fixture.committer.reset();
  test::settle(*fixture.loop);
  CHECK(fixture.finished.empty());
}

}  // namespace
}  // namespace openexec
