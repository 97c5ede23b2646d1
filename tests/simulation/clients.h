// SPDX-License-Identifier: Apache-2.0
// The agents: they write requests, good and bad, and send them again.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "daemon/core/policy.h"
#include "proto-json/message.h"
#include "tests/simulation/approvals.h"
#include "tests/simulation/plan.h"

namespace openexec::simulation {

// A request as its author wrote it, sent once or many times. Two specs are never the same request.
struct Spec {
  std::size_t nonce = 0;
  Work work;
  std::optional<std::size_t> approval;  // index into Clients::approvals()
};

class Clients {
 public:
  Clients(const Plan& plan, const Approvers& approvers, Prng& prng) : plan_(plan), approvers_(approvers), prng_(prng) {}

  // What is sent next: a new request or an earlier one, as an index.
  std::size_t choose(UtcTime now);
  // A new request with nothing wrong.
  std::size_t good_request(UtcTime now);
  // A caller who may use the daemon, or may not.
  Caller caller(bool allowed);
  // `spec` is sent again soon: nobody knows what became of it.
  void remember_to_retry(std::size_t spec) { to_retry_.push_back(spec); }

  [[nodiscard]] const Spec& spec(std::size_t index) const { return specs_[index]; }
  [[nodiscard]] const std::vector<Approval>& approvals() const { return approvals_; }
  [[nodiscard]] ExecuteRequest request(std::size_t index) const;
  [[nodiscard]] std::string nonce_text(std::size_t index) const;
  // The tenant a request is for; empty when it names none.
  [[nodiscard]] std::string tenant(std::size_t index) const;
  // Whose nonce it is: claims are made under this.
  [[nodiscard]] std::string claim_name(std::size_t index) const { return tenant(index) + "/" + nonce_text(index); }
  // The first thing wrong with it that holds at any time; nothing when it may run.
  [[nodiscard]] std::optional<Reason> flaw(std::size_t index) const;
  [[nodiscard]] const Approval* approval(std::size_t index) const;
  // Under which an approval is used up: its tenant and its id.
  [[nodiscard]] static std::string approval_name(const Approval& approval);

 private:
  std::size_t add(const Spec& spec);
  std::size_t fresh(UtcTime now);
  std::size_t same_nonce(UtcTime now);
  std::size_t reused_approval();
  Work new_work();
  std::size_t mint(ApprovalKind kind, const Work& work, std::size_t number, UtcTime now);

  const Plan& plan_;
  const Approvers& approvers_;
  Prng& prng_;
  std::vector<Spec> specs_;
  std::map<std::tuple<std::size_t, Work, std::optional<std::size_t>>, std::size_t> index_;
  std::vector<Approval> approvals_;
  std::vector<std::size_t> to_retry_;
  std::size_t nonces_ = 0;
  std::int64_t refs_ = 0;
  std::size_t approval_numbers_ = 0;
};

}  // namespace openexec::simulation
