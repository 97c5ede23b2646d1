// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/findings.h"

#include <fmt/format.h>

namespace openexec::simulation {

std::string_view to_text(Promise promise) {
  switch (promise) {
    case Promise::claim_before_effect:
      return "claim before effect";
    case Promise::at_most_once:
      return "at most once";
    case Promise::receipt_before_reply:
      return "receipt before reply";
    case Promise::every_attempt_on_record:
      return "every attempt is on record";
    case Promise::same_request_same_answer:
      return "same request, same answer";
    case Promise::fail_closed:
      return "fail closed";
    case Promise::log_only_grows:
      return "the log only grows";
    case Promise::only_what_was_approved:
      return "only what was approved";
    case Promise::reasons_are_true:
      return "a refusal says what is so";
    case Promise::answers_once:
      return "every request is answered once";
  }
  return "";
}

void Findings::event(std::string_view kind, std::string_view detail) {
  count(kind);
  std::string line = fmt::format("{:>6}  {}  {}", step_, kind, detail);
  for (const char c : line) {
    fingerprint_ = (fingerprint_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  last_events_.push_back(std::move(line));
  if (last_events_.size() > events_kept) {
    last_events_.pop_front();
  }
}

void Findings::count(std::string_view what) {
  const auto found = counts_.find(what);
  if (found != counts_.end()) {
    ++found->second;
  } else {
    counts_.emplace(what, 1);
  }
}

}  // namespace openexec::simulation
