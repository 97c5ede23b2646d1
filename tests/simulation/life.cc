// SPDX-License-Identifier: Apache-2.0
// How a simulated daemon starts, dies, and is let run dry; and what must hold after each step.
#include <fmt/format.h>

#include <filesystem>

#include "daemon/core/big_endian.h"
#include "proto-json/check.h"
#include "tests/simulation/world.h"

namespace openexec::simulation {
namespace {

constexpr std::size_t drain_steps_max = 1'000'000;

}  // namespace

// --- start, crash, drain ---

void World::start() {
  while (true) {
    life_ = std::make_unique<Life>(*this, broken_);
    const RecoveryFate fate = recovery_fate();
    const bool opened = life_->committer.open(fate);
    observe(true);
    if (findings_.violation()) {
      break;
    }
    if (opened) {
      break;
    }
    findings_.event("start failed", "");
  }
  history_.recovered();
  history_.set_claims_pending({});
  history_.set_stopping(false);
  life_->engine.emplace(clock_, life_->verifier, life_->committer, life_->runner, registry_, approvers_.keyring(),
                        policy_);
  findings_.event("start", fmt::format("{} entries", log_.size()));
  if (life_->committer.real_store() != nullptr) {
    check_open_claims();
    log_.check_all(*life_->committer.real_store());
  }
}

// Everything in memory goes at once. What was on its way to the disk is there or is not.
void World::crash() {
  const std::size_t queued = life_->committer.queued();
  const bool torn = queued > 0 && prng_.chance(500);
  if (torn) {
    life_->committer.tear(1 + prng_.below(queued));
    observe(false);
  }
  findings_.event(torn ? "crash: batch durable" : queued > 0 ? "crash: batch absent" : "crash: idle", "");
  if (life_->runner.pending() > 0) {
    findings_.count("crash: while something runs");
  }
  if (life_->committer.recovery_pending()) {
    findings_.count("crash: in a recovery");
  }
  if (life_->committer.deliverable() > 0) {
    findings_.count("crash: durable, not answered");
  }
  tamper();
  life_.reset();
  for (const std::size_t spec : history_.process_died()) {
    clients_.remember_to_retry(spec);
  }
  counts_.process_died();
  rate_.process_died();
  request_rate_.process_died();
  if (prng_.chance(300)) {
    findings_.event("power failure", "");
    mark_.lose(prng_.below(6));
  }
  roll_back();
  start();
}

void World::drain() {
  faults_ = false;
  for (std::size_t i = 0; i < drain_steps_max && !findings_.violation(); ++i) {
    Event next = Event::submit;  // stands for nothing
    for (const Event event : {Event::verify, Event::take, Event::deliver, Event::finish, Event::recovery}) {
      if (possible(event)) {
        next = event;
        if (prng_.chance(400)) {
          break;
        }
      }
    }
    if (next == Event::submit) {
      if (!life_->engine->store_failed()) {
        break;
      }
      next = Event::retry;
    }
    perform(next);
    check_step();
  }
  faults_ = true;
}

void World::finish(std::size_t number) {
  findings_.begin_step(number);
  clock_.set(clock_.latest());
  drain();
  check_nothing_left();
  if (life_->stopping) {
    crash();
  }
  if (life_->committer.will_fail()) {  // the mark could not be written: the next request finds out
    send(clients_.good_request(clock_.now()), false, true);
    drain();
  }
  // A healthy daemon still does its work.
  const bool has_room = life_->committer.real_store()->used_percent() + 5 < plan_.rules.full_percent;
  clock_.set(plus_s(clock_.now(), 2));  // whoever was past a rate may ask again
  const std::size_t spec = clients_.good_request(clock_.now());
  send(spec, false, true);
  drain();
  const SeenClaim* claim = history_.claim_of(spec);
  if (!findings_.violation() && has_room && (claim == nullptr || claim->state != ClaimState::finished)) {
    findings_.violate(Promise::answers_once, "a good request is not executed once everything is well again");
  }
  stop();
  drain();
  check_nothing_left();
  if (!findings_.violation() && !life_->stopped) {
    findings_.violate(Promise::answers_once, "nothing is in flight, and the engine has not stopped");
  }
  check_everything();
}

// --- what must hold ---

void World::observe(bool recovering) {
  if (Store* store = life_->committer.real_store(); store != nullptr) {
    log_.observe(*store, recovering);
  }
}

// What would be handed out together with an answer that names an entry.
void World::check_proof(const Answer& answer) {
  const Store* store = life_->committer.store();
  const auto* executed = std::get_if<ExecuteResult>(&answer);
  const auto* refused = std::get_if<Refusal>(&answer);
  const LogPosition* position = executed != nullptr                      ? &executed->log
                                : refused != nullptr && refused->receipt ? &*refused->receipt
                                                                         : nullptr;
  if (store != nullptr && position != nullptr && position->index < log_.size()) {
    log_.check_proof(*store, position->index);
  }
}

void World::check_step() {
  if (findings_.violation()) {
    return;
  }
  observe(false);
  if (mark_.size() > log_.size()) {
    findings_.violate(Promise::log_only_grows,
                      fmt::format("the high-water mark is of {} entries, and there are {}", mark_.size(), log_.size()));
  }
  const Engine& engine = *life_->engine;
  if (engine.in_flight() != history_.open_count()) {
    findings_.violate(Promise::answers_once, fmt::format("the engine owes {} answers, and {} callers wait",
                                                         engine.in_flight(), history_.open_count()));
  }
  if (engine.running() < life_->runner.pending()) {
    findings_.violate(Promise::claim_before_effect, "something runs that the engine does not know of");
  }
  const bool idle = history_.open_count() == 0 && life_->runner.pending() == 0 && life_->committer.idle();
  if (life_->stopping && idle != life_->stopped) {
    findings_.violate(Promise::answers_once, idle ? "nothing is in flight, and the engine has not stopped"
                                                  : "the engine stopped with something in flight");
  }
}

// After a recovery only what runs in this process is open.
void World::check_open_claims() {
  for (const auto& [name, claim] : history_.claims()) {
    if (claim.state == ClaimState::running && !claim.live) {
      findings_.violate(Promise::every_attempt_on_record,
                        "a claim without an outcome is still open after a recovery: " + name);
    }
  }
}

void World::check_everything() {
  if (Store* store = life_->committer.real_store(); store != nullptr && !findings_.violation()) {
    log_.check_all(*store);
    log_.check_tables(*store);
  }
}

void World::check_nothing_left() {
  if (findings_.violation()) {
    return;
  }
  for (std::size_t i = 0; i < history_.submissions().size(); ++i) {
    const Submission& submission = history_.submissions()[i];
    if (!submission.answered && !submission.forgotten) {
      findings_.violate(Promise::answers_once, fmt::format("t{} was never answered", i));
    }
  }
  if (life_->engine->in_flight() != 0 || life_->engine->running() != 0 || life_->engine->store_failed()) {
    findings_.violate(Promise::answers_once, "the engine does not come to rest");
  }
}

// Two things the check of the log must notice: an entry that changes, and a disk that gives back an older copy.
void World::tamper() {
  Store* store = life_->committer.real_store();
  if (broken_ != Broken::the_last_entry_changes || store == nullptr || log_.size() == 0) {
    return;
  }
  auto txn = store->write();
  OPENEXEC_CHECK(txn && txn->put(Table::entries, to_big_endian(log_.size() - 1), "{}") && txn->commit());
}

void World::roll_back() {
  if (broken_ != Broken::the_store_goes_back) {
    return;
  }
  const std::filesystem::path data = std::filesystem::path(dir_.path()) / "data.mdb";
  const std::filesystem::path copy = std::filesystem::path(dir_.path()) / "copy.mdb";
  const auto mark = mark_.read();
  if (!copied_at_) {
    std::filesystem::copy_file(data, copy);
    copied_at_ = log_.size();
  } else if (mark && mark->size > *copied_at_) {  // a mark that is not ahead of the copy cannot tell: a witness can
    std::filesystem::copy_file(copy, data, std::filesystem::copy_options::overwrite_existing);
  }
}

}  // namespace openexec::simulation
