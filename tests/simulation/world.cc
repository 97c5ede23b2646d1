// SPDX-License-Identifier: Apache-2.0
// The scheduler: what happens next, and what each event does.
#include "tests/simulation/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace openexec::simulation {
namespace {

constexpr UtcTime first_moment{1'795'262'400LL * us_per_s};  // 2026-11-21T12:00:00Z
constexpr std::size_t key_run_min = 20;                      // claims: so that runs begin, are interrupted and end
constexpr std::size_t full_check_interval = 500;             // steps

StoreOptions store_options(const Plan& plan, const std::string& dir) {
  return {.dir = dir,
          .map_size_bytes = plan.map_size_bytes,
          .mode = plan.policy.mode,
          .tenant_id = plan.policy.tenant_id,
          .origin = plan.policy.origin,
          .origin_is_default = false,
          .key_run_min = key_run_min,
          .durable = false};
}

Policy engine_policy(const Plan& plan, Broken broken) {
  Policy policy = plan.policy;
  if (broken == Broken::denials_know_no_rate) {
    policy.denied_entries_per_second = limits::denied_entries_per_second_ceiling;
  }
  if (broken == Broken::requests_know_no_rate) {
    policy.requests_per_second = 0;
  }
  return policy;
}

NoteSigner note_signer(const std::string& name, NoteKeyType type) {
  return {name, type, SecretKey::from_seed(sha256("simulated key of " + name).data)};
}

std::vector<NoteSigner> make_witnesses() {
  std::vector<NoteSigner> witnesses;
  witnesses.push_back(note_signer("simulated/witness-1", NoteKeyType::cosignature));
  witnesses.push_back(note_signer("simulated/witness-2", NoteKeyType::cosignature));
  return witnesses;
}

std::vector<NoteKey> keys_of(const std::vector<NoteSigner>& signers) {
  std::vector<NoteKey> keys;
  std::ranges::transform(signers, std::back_inserter(keys), &NoteSigner::key);
  return keys;
}

std::optional<Reason> reason_of(const Answer& answer) {
  if (const auto* refused = std::get_if<Refusal>(&answer)) {
    return refused->error.reason;
  }
  const auto* checked = std::get_if<CheckResult>(&answer);
  return checked != nullptr && checked->denial ? std::optional(checked->denial->reason) : std::nullopt;
}

}  // namespace

World::World(std::uint64_t seed, const Plan& plan, Broken broken, Findings& findings)
    : plan_(plan),
      broken_(broken),
      policy_(engine_policy(plan, broken)),
      findings_(findings),
      prng_(seed),
      clock_(first_moment),
      approvers_(plan.real_signatures),
      registry_(make_registry(broken != Broken::actions_know_no_concurrency)),
      clients_(plan, approvers_, prng_),
      signer_(note_signer(plan.policy.origin, NoteKeyType::ed25519)),
      witnesses_(make_witnesses()),
      history_(plan, clients_, clock_, findings),
      counts_(clock_, findings),
      rate_("a denial", plan.policy.denied_entries_per_second, clock_, findings),
      request_rate_("a request", plan.policy.requests_per_second, clock_, findings),
      log_(plan, clients_, clock_, registry_.digest(), history_, counts_, signer_.key(), keys_of(witnesses_), findings),
      answers_(plan, clients_, history_, counts_, rate_, findings) {
  start();
}

World::Life::Life(World& world, Broken broken)
    : verifier(world.approvers_, broken),
      runner(
          world.plan_, world.history_, world.findings_, [&world] { world.observe(false); }, broken),
      committer(world.surroundings(), store_options(world.plan_, world.dir_.path()), broken) {}

Surroundings World::surroundings() { return {plan_, clock_, signer_, mark_, history_, counts_, rate_, findings_}; }

// --- what happens next ---

bool World::possible(Event event) {
  switch (event) {
    case Event::submit:
      return history_.open_count() < plan_.open_max;
    case Event::verify:
      return life_->verifier.pending() > 0;
    case Event::take:
      return life_->committer.queued() > 0;
    case Event::deliver:
      return life_->committer.deliverable() > 0;
    case Event::finish:
      return life_->runner.pending() > 0;
    case Event::recovery:
      return life_->committer.recovery_pending();
    case Event::clock:
    case Event::retry:
    case Event::crash:
    case Event::tick:
      return true;
    case Event::cosign:
      return life_->committer.store() != nullptr;
    case Event::stop:
      return !life_->stopping;
  }
  return false;
}

Event World::choose() {
  std::array<unsigned, event_count> weights{};
  unsigned sum = 0;
  for (std::size_t i = 0; i < event_count; ++i) {
    weights.at(i) = possible(static_cast<Event>(i)) ? plan_.weights.at(i) : 0;
    sum += weights.at(i);
  }
  std::size_t drawn = prng_.below(sum);
  std::size_t i = 0;
  while (drawn >= weights.at(i)) {
    drawn -= weights.at(i++);
  }
  return static_cast<Event>(i);
}

void World::step(std::size_t number) {
  findings_.begin_step(number);
  perform(choose());
  check_step();
  if (life_->stopped) {
    findings_.event("restart", "after a stop");
    crash();
  }
  if (number % full_check_interval == 0) {
    check_everything();
  }
}

void World::perform(Event event) {
  switch (event) {
    case Event::submit:
      return submit();
    case Event::verify:
      findings_.event("verify", "");
      return life_->verifier.finish(prng_.below(life_->verifier.pending()));
    case Event::take:
      return take();
    case Event::deliver:
      findings_.event("deliver", "");
      return life_->committer.deliver();
    case Event::finish:
      return finish_run();
    case Event::clock:
      return move_clock();
    case Event::recovery:
      return recovery();
    case Event::retry:
      findings_.event("retry recovery", "");
      return life_->engine->retry_recovery();
    case Event::crash:
      return crash();
    case Event::stop:
      return stop();
    case Event::tick:
      return tick();
    case Event::cosign:
      return cosign();
  }
}

// --- events ---

void World::submit() {
  const std::size_t spec = clients_.choose(clock_.now());
  const std::size_t copies = prng_.chance(100) ? 2 + prng_.below(5) : 1;  // hosts that all ask at once
  for (std::size_t i = 0; i < copies; ++i) {
    send(spec, prng_.chance(60), !plan_.has_peers() || !prng_.chance(70));
  }
}

void World::send(std::size_t spec, bool check, bool peer_allowed) {
  const Caller caller = clients_.caller(peer_allowed);
  Submission submission;
  submission.spec = spec;
  submission.check = check;
  submission.peer_allowed = peer_allowed;
  submission.peer = caller.peer;
  submission.store_failed = life_->engine->store_failed();
  submission.stopping = life_->stopping;
  const std::size_t index = history_.sent(submission);
  ExecuteRequest request = clients_.request(spec);
  request.check = check;
  request.trace_id = History::trace_id(index);
  findings_.event("submit",
                  fmt::format("t{} {} {} ref {}{}{}", index, clients_.claim_name(spec), request.action,
                              clients_.spec(spec).work.ref, check ? " check" : "", peer_allowed ? "" : " stranger"));
  const auto is_limited = std::make_shared<bool>(false);
  life_->engine->submit(caller, std::move(request), [this, index, is_limited](const Answer& answer) {
    observe(false);
    *is_limited = reason_of(answer) == Reason::rate_limited;
    Answer told = answer;
    if (auto* result = std::get_if<ExecuteResult>(&told);
        broken_ == Broken::replays_differ && result != nullptr && result->replayed) {
      result->result += " ";
    }
    check_proof(told);
    answers_.check(index, told);
    if (const auto* refused = std::get_if<Refusal>(&told);
        refused != nullptr && info(refused->error.reason).retryable) {
      clients_.remember_to_retry(history_.submissions()[index].spec);
    }
  });
  check_rate(caller.peer.uid, peer_allowed, *is_limited);
  const Submission& sent = history_.submissions()[index];
  if (plan_.policy.mode == Mode::demo && !sent.answered && !sent.claim_asked && !sent.known) {
    findings_.count("waits for room");
  }
}

// Whether a request was refused at once for its user's rate, and had to be.
void World::check_rate(std::uint32_t uid, bool peer_allowed, bool is_limited) {
  if (plan_.policy.requests_per_second == 0 || !peer_allowed) {
    return;
  }
  if (is_limited) {
    request_rate_.refused(uid);
  } else {
    request_rate_.asked(uid);
  }
}

CommitFate World::commit_fate() {
  if (!faults_) {
    return CommitFate::done;
  }
  if (prng_.chance(plan_.mark_fails)) {
    findings_.event("fault: the mark cannot be written", "");
    return CommitFate::not_marked;
  }
  if (!prng_.chance(plan_.commit_fails)) {
    return CommitFate::done;
  }
  const bool durable = prng_.chance(500);
  findings_.event(durable ? "fault: commit failed, durable" : "fault: commit failed, absent", "");
  return durable ? CommitFate::failed_durable : CommitFate::failed_absent;
}

void World::take() {
  const std::size_t count = 1 + prng_.below(life_->committer.queued());
  findings_.event("commit", fmt::format("{} of {}", count, life_->committer.queued()));
  life_->committer.take(count, commit_fate());
  observe(false);
}

void World::finish_run() {
  findings_.event("run ends", "");
  if (life_->engine->store_failed()) {
    findings_.count("ended while the store was failed");
  }
  const bool executed = prng_.chance(750);
  life_->runner.finish(prng_.below(life_->runner.pending()), executed, ++serial_);
}

void World::move_clock() {
  UtcTime now = clock_.now();
  const std::size_t kind = prng_.below(100);
  if (kind < 60) {
    now.us += prng_.between(0, 2 * us_per_s);
  } else if (kind < 75) {
    now = plus_s(now, prng_.between(5, 60));
  } else if (kind < 85) {
    now.us -= prng_.between(1, 20 * us_per_s);
    findings_.count("clock: back");
  } else if (kind < 88) {
    now = plus_s(now, -prng_.between(35, 400));
    findings_.count("clock: far back");
  } else {
    now = std::max(now, clock_.latest());
  }
  findings_.event("clock", openexec::to_text(now));
  clock_.set(now);
}

RecoveryFate World::recovery_fate() {
  if (!faults_ || !prng_.chance(plan_.recovery_fails)) {
    return RecoveryFate::done;
  }
  switch (prng_.below(3)) {
    case 0:
      findings_.event("fault: the store does not open", "");
      return RecoveryFate::cannot_open;
    case 1:
      findings_.event("fault: recovery failed, absent", "");
      return RecoveryFate::failed_absent;
    default:
      findings_.event("fault: recovery failed, durable", "");
      return RecoveryFate::failed_durable;
  }
}

void World::recovery() {
  const bool was_failed = life_->engine->store_failed();
  life_->committer.step_recovery(life_->committer.recovery_worked() ? RecoveryFate::done : recovery_fate());
  observe(true);
  findings_.event("recovery", life_->engine->store_failed() ? "goes on" : "is over");
  if (was_failed && !life_->engine->store_failed()) {
    findings_.count("recovered in place");
    check_open_claims();
  }
}

void World::stop() {
  findings_.event("stop", "");
  life_->stopping = true;
  history_.set_stopping(true);
  Life* life = life_.get();
  life_->engine->stop([this, life] {
    findings_.event("stopped", "");
    if (life->stopped) {
      findings_.violate(Promise::answers_once, "stopped twice");
    }
    life->stopped = true;
    counts_.stopped(life->engine->store_failed());
  });
}

}  // namespace openexec::simulation
