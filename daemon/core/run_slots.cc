// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/run_slots.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "proto-json/check.h"

namespace openexec {
namespace {

std::size_t half_of(std::size_t bound) { return bound - bound / 2; }

// What a value takes in memory, about: small values in large numbers take many times their text.
std::size_t memory_bytes(const Json& value) {
  std::size_t bytes = sizeof(Json);
  if (const std::string* text = value.if_string()) {
    bytes += text->size();
  } else if (const Json::Array* array = value.if_array()) {
    for (const Json& element : *array) {
      bytes += memory_bytes(element);
    }
  } else if (const Json::Object* object = value.if_object()) {
    for (const Member& member : *object) {
      bytes += sizeof member.key + member.key.size() + memory_bytes(member.value);
    }
  }
  return bytes;
}

}  // namespace

RunSlots::Share* RunSlots::share_of(Held& held, const Action& action) {
  const auto found = std::ranges::find(held.shares, &action, &Share::action);
  return found == held.shares.end() ? nullptr : &*found;
}

bool RunSlots::is_shared(const ClaimKey& key, const Action& action) {
  const auto held = held_.find(key);
  return held != held_.end() && share_of(held->second, action) != nullptr;
}

bool RunSlots::has_room(const ClaimKey& key, const Action& action, const OfAction& of_action) {
  return is_shared(key, action) || (taken_ < policy_.runs_max && of_action.taken < action.concurrency);
}

void RunSlots::take_room(const ClaimKey& key, const Action& action, OfAction& of_action) {
  Held& held = held_[key];
  if (Share* share = share_of(held, action)) {
    ++share->holders;
    return;
  }
  held.shares.push_back({&action, 1});
  ++of_action.taken;
  ++taken_;
}

bool RunSlots::take(const ClaimKey& key, const Action& action) {
  OfAction& of_action = actions_[&action];
  const bool is_next = of_action.waiting.empty() || is_shared(key, action);
  if (!is_next || !has_room(key, action, of_action)) {
    return false;
  }
  take_room(key, action, of_action);
  return true;
}

void RunSlots::give_back(const ClaimKey& key, const Action& action) {
  const auto held = held_.find(key);
  OPENEXEC_CHECK(held != held_.end());
  Share* share = share_of(held->second, action);
  OPENEXEC_CHECK(share != nullptr);
  if (--share->holders > 0) {
    return;
  }
  std::erase_if(held->second.shares, [](const Share& each) { return each.holders == 0; });
  if (held->second.shares.empty()) {
    OPENEXEC_CHECK(held->second.early.empty());
    held_.erase(held);
  }
  --actions_.at(&action).taken;
  --taken_;
}

bool RunSlots::may_wait(const OfAction& of_action, std::uint32_t uid, std::size_t bytes) const {
  const auto known = waiting_of_uid_.find(uid);
  const Amount of_uid = known == waiting_of_uid_.end() ? Amount{} : known->second;
  const auto known_here = of_action.waiting_of_uid.find(uid);
  const std::size_t here = known_here == of_action.waiting_of_uid.end() ? 0 : known_here->second;
  return waiting_.count < policy_.queued_max && waiting_.bytes + bytes <= policy_.queued_bytes_max &&
         of_action.waiting.size() < policy_.queued_per_action_max && of_uid.count < half_of(policy_.queued_max) &&
         of_uid.bytes + bytes <= half_of(policy_.queued_bytes_max) && here < half_of(policy_.queued_per_action_max);
}

std::optional<Claimant> RunSlots::wait(Claimant claimant) {
  OfAction& of_action = actions_[claimant.submission.action];
  const Attempt& attempt = *claimant.submission.attempt;
  const std::uint32_t uid = attempt.peer.uid;
  const std::size_t bytes = attempt.canonical.size() + memory_bytes(attempt.payload);
  if (!may_wait(of_action, uid, bytes)) {
    return claimant;
  }
  of_action.waiting.push_back({arrivals_++, bytes, std::move(claimant)});
  ++of_action.waiting_of_uid[uid];
  for (Amount* amount : {&waiting_, &waiting_of_uid_[uid]}) {
    ++amount->count;
    amount->bytes += bytes;
  }
  return std::nullopt;
}

// The first of that action's.
Claimant RunSlots::stop_waiting(OfAction& of_action) {
  Waiting waiting = std::move(of_action.waiting.front());
  of_action.waiting.pop_front();
  const std::uint32_t uid = waiting.claimant.submission.attempt->peer.uid;
  const auto of_uid = waiting_of_uid_.find(uid);
  for (Amount* amount : {&waiting_, &of_uid->second}) {
    --amount->count;
    amount->bytes -= waiting.bytes;
  }
  if (of_uid->second.count == 0) {
    waiting_of_uid_.erase(of_uid);
  }
  if (--of_action.waiting_of_uid.at(uid) == 0) {
    of_action.waiting_of_uid.erase(uid);
  }
  return std::move(waiting.claimant);
}

std::optional<Claimant> RunSlots::next() {
  OfAction* first = nullptr;
  for (auto& [action, of_action] : actions_) {
    if (of_action.waiting.empty()) {
      continue;
    }
    const Waiting& waiting = of_action.waiting.front();
    if (has_room(waiting.claimant.submission.attempt->claim_key, *action, of_action) &&
        (first == nullptr || waiting.number < first->waiting.front().number)) {
      first = &of_action;
    }
  }
  if (first == nullptr) {
    return std::nullopt;
  }
  Claimant claimant = stop_waiting(*first);
  take_room(claimant.submission.attempt->claim_key, *claimant.submission.action, *first);
  return claimant;
}

std::vector<Claimant> RunSlots::take_waiting() {
  std::vector<std::pair<std::uint64_t, Claimant>> all;
  for (auto& [action, of_action] : actions_) {
    while (!of_action.waiting.empty()) {
      const std::uint64_t number = of_action.waiting.front().number;
      all.emplace_back(number, stop_waiting(of_action));
    }
  }
  std::ranges::sort(all, {}, &std::pair<std::uint64_t, Claimant>::first);
  std::vector<Claimant> out;
  for (auto& [number, claimant] : all) {
    out.push_back(std::move(claimant));
  }
  return out;
}

void RunSlots::add_early(const ClaimKey& key, Submission submission) {
  held_.at(key).early.push_back(std::move(submission));
}

std::vector<Submission> RunSlots::take_early(const ClaimKey& key) { return std::exchange(held_.at(key).early, {}); }

}  // namespace openexec
