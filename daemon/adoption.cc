// SPDX-License-Identifier: Apache-2.0
// The order of steps: the new key is on disk (as log.key.next) before the transaction names it; the transaction
// decides; the mark follows it, as always; last the key takes its place. A next run finds log.key.next named by the
// store and goes on from there, or not named and makes another.
#include "daemon/adoption.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "daemon/core/fault_point.h"
#include "daemon/core/receipt_log.h"
#include "daemon/io/high_water_file.h"
#include "daemon/io/system_error.h"
#include "daemon/io/unique_fd.h"
#include "daemon/log_key.h"

namespace openexec {
namespace {

class AdoptRun {
 public:
  AdoptRun(const AdoptSettings& settings, const Clock& clock, Store& store, HighWaterFile mark)
      : settings_(settings), clock_(clock), store_(store), mark_(std::move(mark)) {}

  std::expected<Adopted, std::string> run();

 private:
  std::expected<NoteSigner, std::string> new_signer();
  // The signer of the next epoch.
  [[nodiscard]] std::expected<NoteSigner, std::string> named(std::expected<SecretKey, std::string> key) const;
  std::expected<bool, std::string> is_bound(const std::string& path);
  // An earlier run came so far that only its files are to be put right; nothing when none did.
  std::expected<std::optional<Adopted>, std::string> finish_earlier();
  std::expected<void, std::string> put_mark(const Checkpoint& log) const;
  // Moves the new key to its place, and the old one out of it.
  std::expected<void, std::string> place_key(std::uint64_t epoch);

  [[nodiscard]] std::string key_path() const { return log_key_path(settings_.dir); }
  [[nodiscard]] std::string next_path() const { return key_path() + ".next"; }
  // Where the key before `epoch` goes. Of a store that was put back more than once there may be several: none is
  // written over.
  [[nodiscard]] std::string old_path(std::uint64_t epoch, unsigned number) const {
    const std::string first = fmt::format("{}.epoch-{}", key_path(), epoch - 1);
    return number == 1 ? first : fmt::format("{}.{}", first, number);
  }
  [[nodiscard]] unsigned old_keys(std::uint64_t epoch) const {
    unsigned count = 0;
    while (access(old_path(epoch, count + 1).c_str(), F_OK) == 0) {
      ++count;
    }
    return count;
  }
  [[nodiscard]] std::optional<std::string> old_key(std::uint64_t epoch) const {
    const unsigned count = old_keys(epoch);
    return count > 0 ? std::optional(old_path(epoch, count)) : std::nullopt;
  }

  const AdoptSettings& settings_;
  const Clock& clock_;
  Store& store_;
  HighWaterFile mark_;
  std::optional<std::string> bound_;  // vkey
};

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

std::expected<void, std::string> move_file(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) {
    return std::unexpected(fmt::format("cannot rename {} to {}: {}", from, to, system_message(errno)));
  }
  return {};
}

// Durable: lost with a power cut, it would leave a store with entries and no mark, which looks like a copy.
std::expected<void, std::string> AdoptRun::put_mark(const Checkpoint& log) const {
  auto done = mark_.write(log);
  return done.has_value() ? mark_.sync() : done;
}

// The key in that file is the one that the store names.
std::expected<bool, std::string> AdoptRun::is_bound(const std::string& path) {
  if (!bound_ || !exists(path)) {
    return false;
  }
  const auto key = read_log_key({path, false, false});
  if (!key.has_value()) {
    return std::unexpected(key.error());
  }
  return to_vkey({store_.origin(), NoteKeyType::ed25519, key->public_key()}) == *bound_;
}

std::expected<NoteSigner, std::string> AdoptRun::new_signer() {
  if (settings_.key_file) {
    const auto is_old = is_bound(*settings_.key_file);
    if (!is_old.has_value()) {
      return std::unexpected(is_old.error());
    }
    if (*is_old) {
      return std::unexpected(fmt::format(
          "{} is the key that the log has already: a new epoch needs a new one, which no copy of the store has",
          *settings_.key_file));
    }
    return named(read_log_key({*settings_.key_file, false, false}));
  }
  unlink(next_path().c_str());  // of a run that was stopped before the store named it: it has signed nothing
  return named(make_log_key(next_path()));
}

std::expected<NoteSigner, std::string> AdoptRun::named(std::expected<SecretKey, std::string> key) const {
  if (!key.has_value()) {
    return std::unexpected(key.error());
  }
  std::string name = epoch_name(store_.options().origin, store_.epoch() + 1, key->public_key());
  return NoteSigner(std::move(name), NoteKeyType::ed25519, *std::move(key));
}

std::expected<std::optional<Adopted>, std::string> AdoptRun::finish_earlier() {
  // The key that the store names already: its own that is not yet in its place, or the operator's.
  const auto is_named = is_bound(settings_.key_file.value_or(next_path()));
  if (!is_named.has_value() || !*is_named) {
    return is_named.has_value() ? std::expected<std::optional<Adopted>, std::string>(std::nullopt)
                                : std::unexpected(is_named.error());
  }
  const auto latest = latest_adoption(store_);
  if (!latest) {
    return std::unexpected(latest.error().message);
  }
  // Had the log gone on after that adoption, its mark would say so: then this is a copy again, and a new epoch is due.
  // A mark that cannot be read says nothing, and is written anew.
  const auto mark = mark_.read();
  const bool is_ours = mark.has_value() && *mark && (*mark)->origin == store_.origin();
  const bool is_unfinished = latest->has_value() && (!is_ours || **mark == (*latest)->log);
  auto done = is_unfinished ? put_mark((*latest)->log) : std::expected<void, std::string>();
  done = done.has_value() && !settings_.key_file ? place_key(store_.epoch()) : done;
  if (!done.has_value()) {
    return std::unexpected(done.error());
  }
  if (!is_unfinished) {
    return std::nullopt;
  }
  return Adopted{**latest, *bound_, old_key(store_.epoch()), true};
}

std::expected<void, std::string> AdoptRun::place_key(std::uint64_t epoch) {
  if (exists(key_path()) && exists(next_path())) {
    if (auto moved = move_file(key_path(), old_path(epoch, old_keys(epoch) + 1)); !moved.has_value()) {
      return moved;
    }
  }
  OPENEXEC_FAULT_POINT("adopt.moved");
  if (auto moved = move_file(next_path(), key_path()); !moved.has_value()) {
    return moved;
  }
  const UniqueFd dir(open(settings_.dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir || fsync(dir.get()) != 0) {
    return std::unexpected(fmt::format("cannot sync {}: {}", settings_.dir, system_message(errno)));
  }
  return {};
}

std::expected<Adopted, std::string> AdoptRun::run() {
  const auto txn = store_.read();
  auto bound = txn ? log_key(*txn) : std::unexpected(txn.error());
  if (!bound) {
    return std::unexpected(bound.error().message);
  }
  bound_ = *std::move(bound);
  auto earlier = finish_earlier();
  if (!earlier.has_value() || earlier->has_value()) {
    return earlier.has_value() ? std::expected<Adopted, std::string>(**std::move(earlier))
                               : std::unexpected(earlier.error());
  }
  OPENEXEC_FAULT_POINT("adopt.begin");
  const auto signer = new_signer();
  if (!signer.has_value()) {
    return std::unexpected(signer.error());
  }
  OPENEXEC_FAULT_POINT("adopt.key");
  const auto adoption = adopt(store_, *signer, clock_.now());
  if (!adoption) {
    return std::unexpected(adoption.error().message);
  }
  OPENEXEC_FAULT_POINT("adopt.commit");
  if (auto written = put_mark(adoption->log); !written.has_value()) {
    return std::unexpected(written.error());
  }
  OPENEXEC_FAULT_POINT("adopt.mark");
  Adopted adopted{*adoption, to_vkey(signer->key()), std::nullopt, false};
  if (!settings_.key_file) {
    if (auto placed = place_key(adoption->epoch); !placed.has_value()) {
      return std::unexpected(placed.error());
    }
    adopted.old_key = old_key(adoption->epoch);
  }
  return adopted;
}

}  // namespace

std::expected<Adopted, std::string> adopt_store(const AdoptSettings& settings, const Clock& clock) {
  auto store = Store::open_to_change(settings.dir);
  if (!store.has_value()) {
    return std::unexpected(store.error());
  }
  auto mark = HighWaterFile::open(settings.high_water);
  if (!mark.has_value()) {
    return std::unexpected(mark.error());
  }
  return AdoptRun(settings, clock, **store, *std::move(mark)).run();
}

}  // namespace openexec
