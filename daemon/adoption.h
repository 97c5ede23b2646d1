// SPDX-License-Identifier: Apache-2.0
// `openexec store adopt`, with its files: the key, the store, the high-water file. Stopped at any point, it has either
// changed nothing that matters or is finished by the next run with the same settings.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "daemon/core/adopt.h"
#include "daemon/core/clock.h"

namespace openexec {

struct AdoptSettings {
  std::string dir;                      // of the store
  std::string high_water;               // file
  std::optional<std::string> key_file;  // the new key, which is only read; nothing: DIR/log.key, made anew
};

struct Adopted {
  Adoption adoption;
  std::string log_key;                 // vkey
  std::optional<std::string> old_key;  // where the key of the epoch before is now
  bool was_begun = false;              // an earlier run did it, and was stopped before its end
};

// The error is one line that says what to change.
std::expected<Adopted, std::string> adopt_store(const AdoptSettings& settings, const Clock& clock);

}  // namespace openexec
