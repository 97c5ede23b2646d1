// SPDX-License-Identifier: Apache-2.0
// One simulated host: the real engine, transactions, recovery and store, with everything around them driven by a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "daemon/core/engine.h"
#include "tests/simulation/answer_check.h"
#include "tests/simulation/log_observer.h"
#include "tests/simulation/scratch_dir.h"
#include "tests/simulation/sim_committer.h"
#include "tests/simulation/sim_mark.h"
#include "tests/simulation/sim_workers.h"

namespace openexec::simulation {

class World {
 public:
  World(std::uint64_t seed, const Plan& plan, Broken broken, Findings& findings);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() = default;

  // One event, then every promise.
  void step(std::size_t number);
  // Lets everything end with no more faults, sends one good request, stops: nothing may be left over.
  void finish(std::size_t number);

 private:
  // One life of the daemon, from a start to a crash or a stop. The engine goes first.
  struct Life {
    Life(World& world, Broken broken);
    SimVerifier verifier;
    SimRunner runner;
    SimCommitter committer;
    std::optional<Engine> engine;
    bool stopping = false;
    bool stopped = false;
  };

  [[nodiscard]] bool possible(Event event);
  Event choose();
  void perform(Event event);

  void submit();
  void send(std::size_t spec, bool check, bool peer_allowed);
  void check_rate(std::uint32_t uid, bool peer_allowed, bool is_limited);
  void take();
  void finish_run();
  void move_clock();
  void recovery();
  void tick();
  void cosign();
  void kept(std::uint64_t size, const std::optional<Error>& error);
  void stop();
  void crash();
  void start();
  void drain();

  [[nodiscard]] Surroundings surroundings();
  CommitFate commit_fate();
  RecoveryFate recovery_fate();
  void observe(bool recovering);
  void check_proof(const Answer& answer);
  void tamper();
  void roll_back();
  void check_step();
  void check_open_claims();
  void check_everything();
  void check_nothing_left();

  const Plan& plan_;
  const Broken broken_;
  const Policy policy_;  // as the engine has it
  Findings& findings_;
  Prng prng_;
  ScratchDir dir_;
  SimClock clock_;
  const Approvers approvers_;
  const Registry registry_;
  Clients clients_;
  const NoteSigner signer_;
  const std::vector<NoteSigner> witnesses_;
  SimMark mark_;
  History history_;
  Counts counts_;
  UidRate rate_;          // of denials' entries
  UidRate request_rate_;  // a uid's
  LogObserver log_;
  AnswerCheck answers_;
  std::unique_ptr<Life> life_;
  std::size_t serial_ = 0;                  // of runs
  std::optional<std::uint64_t> copied_at_;  // how many entries the older copy of the store has
  bool faults_ = true;                      // off while draining
};

}  // namespace openexec::simulation
