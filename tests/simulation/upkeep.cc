// SPDX-License-Identifier: Apache-2.0
// What goes on beside requests: the tick that closes windows, and witnesses who answer.
#include <fmt/format.h>

#include <iterator>

#include "tests/simulation/world.h"

namespace openexec::simulation {

void World::tick() {
  findings_.event("tick", "");
  life_->engine->tick();
  counts_.ticked(life_->engine->store_failed());
}

// A witness that somebody carried a checkpoint to answers: the latest, or one that took its time.
void World::cosign() {
  const auto& all = log_.evidence().checkpoints();
  auto which = std::prev(all.end());
  if (prng_.chance(400)) {
    which = std::next(all.begin(), static_cast<std::ptrdiff_t>(prng_.below(all.size())));
  }
  const auto& [size, text] = *which;
  Cosigning cosigning{size, read_note(text).value()};
  const NoteSigner& witness = prng_.pick(witnesses_);
  cosigning.note.signatures.push_back(
      openexec::cosign(witness, cosigning.note.text, static_cast<std::uint64_t>(clock_.now().us / us_per_s)));
  findings_.event("cosign", fmt::format("{} of {} by {}", size, all.rbegin()->first, witness.key().name));
  life_->engine->keep(std::move(cosigning),
                      [this, kept_size = size](const std::optional<Error>& error) { kept(kept_size, error); });
}

void World::kept(std::uint64_t size, const std::optional<Error>& error) {
  observe(false);
  if (error) {
    findings_.event("not kept", info(error->reason).name);
    if (!history_.in_doubt() && !life_->stopping) {
      findings_.violate(Promise::reasons_are_true, "a cosigned checkpoint is not kept, and nothing is wrong");
    }
  } else if (log_.evidence().cosigned_size() < size) {
    findings_.violate(Promise::receipt_before_reply, "a cosigned checkpoint is said to be kept, and is not");
  } else {
    findings_.event("kept", std::to_string(size));
  }
}

}  // namespace openexec::simulation
