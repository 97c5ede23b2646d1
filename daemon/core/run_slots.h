// SPDX-License-Identifier: Apache-2.0
// Room for runs: so many at one time, and so many of each action. A slot is taken before the claim and given back when
// the run is over, so nothing waits between a claim and its run. What finds no room waits here, in bounded numbers,
// before it has claimed anything; the approval's expiry is looked at when it claims.
//
// Requests with one claim key and one action share a slot: at most one of them runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "daemon/core/policy.h"
#include "daemon/core/submission.h"

namespace openexec {

class RunSlots {
 public:
  explicit RunSlots(const Policy& policy) : policy_(policy) {}

  // A slot for a run of this claim. False: there is no room, or others of this action wait for it.
  [[nodiscard]] bool take(const ClaimKey& key, const Action& action);
  // To be followed by next() until it gives nothing.
  void give_back(const ClaimKey& key, const Action& action);
  [[nodiscard]] std::size_t taken() const { return taken_; }

  // Gives it back when there is no room to wait either. One uid has half of it at most.
  [[nodiscard]] std::optional<Claimant> wait(Claimant claimant);
  // The one that waits longest of those for which there is room now: it has a slot from here on.
  std::optional<Claimant> next();
  // Everything that waits.
  std::vector<Claimant> take_waiting();

  // These saw the claim of a slot's holder in the store before its completion came back to the engine. False: no slot
  // is taken for that claim.
  [[nodiscard]] bool holds(const ClaimKey& key) const { return held_.contains(key); }
  void add_early(const ClaimKey& key, Submission submission);
  std::vector<Submission> take_early(const ClaimKey& key);

 private:
  struct Share {
    const Action* action;
    std::size_t holders;  // claims on their way to the store, and the run
  };
  struct Held {
    std::vector<Share> shares;  // one for each action; a nonce that is used for two is rare
    std::vector<Submission> early;
  };
  struct Waiting {
    std::uint64_t number;  // by arrival
    std::size_t bytes;
    Claimant claimant;
  };
  struct OfAction {
    std::size_t taken = 0;
    std::deque<Waiting> waiting;
    std::unordered_map<std::uint32_t, std::size_t> waiting_of_uid;
  };
  struct Amount {
    std::size_t count = 0;
    std::size_t bytes = 0;
  };

  static Share* share_of(Held& held, const Action& action);
  [[nodiscard]] bool is_shared(const ClaimKey& key, const Action& action);
  [[nodiscard]] bool may_wait(const OfAction& of_action, std::uint32_t uid, std::size_t bytes) const;
  Claimant stop_waiting(OfAction& of_action);
  [[nodiscard]] bool has_room(const ClaimKey& key, const Action& action, const OfAction& of_action);
  void take_room(const ClaimKey& key, const Action& action, OfAction& of_action);

  const Policy& policy_;
  std::unordered_map<ClaimKey, Held> held_;
  std::unordered_map<const Action*, OfAction> actions_;
  std::size_t taken_ = 0;
  Amount waiting_;
  std::unordered_map<std::uint32_t, Amount> waiting_of_uid_;
  std::uint64_t arrivals_ = 0;
};

}  // namespace openexec
