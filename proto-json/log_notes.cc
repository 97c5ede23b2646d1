// SPDX-License-Identifier: Apache-2.0
#include "proto-json/log_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace openexec {

std::optional<LogNotes::Opened> LogNotes::open(std::string_view which, std::optional<std::string_view> text) {
  if (!text) {
    return std::nullopt;
  }
  auto note = read_note(*text);
  auto checkpoint = note ? read_checkpoint_text(note->text) : std::unexpected(note.error());
  if (!checkpoint) {
    report_.findings.add(LogPart::checkpoint, [&] {
      return fmt::format("the {} checkpoint cannot be read: {}", which, checkpoint.error());
    });
    return std::nullopt;
  }
  return Opened{*std::move(note), *std::move(checkpoint)};
}

LogNotes::LogNotes(std::optional<std::string_view> latest, std::optional<std::string_view> cosigned, LogReport& report)
    : report_(report), latest_(open("latest", latest)), cosigned_(open("cosigned", cosigned)) {
  if (latest_) {
    report_.checkpoint = latest_->checkpoint;
  }
  if (cosigned_) {
    report_.cosigned = cosigned_->checkpoint;
  }
}

std::vector<std::uint64_t> LogNotes::sizes() const {
  std::vector<std::uint64_t> out;
  for (const auto& opened : {latest_, cosigned_}) {
    if (opened) {
      out.push_back(opened->checkpoint.size);
    }
  }
  return out;
}

void LogNotes::judge(const LogTrust& trust, const std::optional<NoteKey>& own_key, std::uint64_t entries,
                     const RootOf& root_of) const {
  report_.log_key_given = trust.log.has_value();
  if (trust.log && own_key && *trust.log != *own_key) {
    report_.findings.add(LogPart::checkpoint, [&] {
      return fmt::format("this log is signed with {}, and that is not the key that you gave", to_vkey(*own_key));
    });
  }
  const std::optional<NoteKey>& key = trust.log ? trust.log : own_key;
  if (latest_) {
    judge_one("latest", *latest_, key, entries, root_of);
    if (key && latest_->checkpoint.size <= entries && root_of(latest_->checkpoint.size)) {
      report_.findings.checked(LogPart::checkpoint);
    }
  } else if (entries > 0 || own_key) {
    report_.findings.add(LogPart::checkpoint,
                         [&] { return fmt::format("no checkpoint signs the {} entries", entries); });
  }
  if (latest_ && entries > latest_->checkpoint.size) {
    report_.findings.add(LogPart::checkpoint, [&] {
      return fmt::format("the latest checkpoint signs {} of {} entries: entry {} was added without it",
                         latest_->checkpoint.size, entries, latest_->checkpoint.size);
    });
  }
  if (cosigned_) {
    judge_one("cosigned", *cosigned_, key, entries, root_of);
  }
  judge_witnesses(trust, entries, root_of);
}

void LogNotes::judge_one(std::string_view which, const Opened& opened, const std::optional<NoteKey>& key,
                         std::uint64_t entries, const RootOf& root_of) const {
  if (const auto signed_by_key = key ? open_checkpoint(opened.note, *key) : opened.checkpoint; !signed_by_key) {
    report_.findings.add(LogPart::checkpoint,
                         [&] { return fmt::format("the {} checkpoint: {}", which, signed_by_key.error()); });
  }
  const std::uint64_t size = opened.checkpoint.size;
  if (size > entries) {
    report_.findings.add(LogPart::checkpoint, [&] {
      return fmt::format("the {} checkpoint signs {} entries, and there are {}", which, size, entries);
    });
    return;
  }
  if (const auto root = root_of(size); root && *root != opened.checkpoint.root) {
    report_.findings.add(LogPart::checkpoint, [&] {
      return fmt::format("the {} checkpoint signs another root than that of the first {} entries", which, size);
    });
  }
}

Cosigners cosigners_of(const Note& note, std::span<const NoteKey> witnesses, std::optional<std::size_t> quorum,
                       const std::optional<PublicKey>& log) {
  std::vector<PublicKey> uncounted;
  for (const NoteKey& witness : witnesses) {
    if (std::ranges::find(uncounted, witness.key) == uncounted.end()) {
      uncounted.push_back(witness.key);
    }
  }
  Cosigners out;
  out.wanted = std::max<std::size_t>(quorum.value_or(uncounted.size()), 1);
  if (log) {
    std::erase(uncounted, *log);
  }
  out.keys = uncounted.size();
  for (const NoteKey& witness : witnesses) {
    const auto cosignature = cosignature_by(note, witness);
    if (!cosignature) {
      out.wrong.push_back(cosignature.error());
    } else if (*cosignature && std::erase(uncounted, witness.key) != 0) {
      out.found.push_back(**cosignature);
    }
  }
  return out;
}

void LogNotes::judge_witnesses(const LogTrust& trust, std::uint64_t entries, const RootOf& root_of) const {
  const std::optional<Opened>& opened = cosigned_ ? cosigned_ : latest_;
  const auto log = trust.log ? std::optional(trust.log->key) : std::nullopt;
  const Cosigners cosigners = cosigners_of(opened ? opened->note : Note{}, trust.witnesses, trust.quorum, log);
  report_.witness_keys = cosigners.keys;
  if (trust.witnesses.empty() && trust.quorum.value_or(0) == 0) {
    return;
  }
  if (!opened || (opened->checkpoint.size <= entries && root_of(opened->checkpoint.size))) {
    report_.findings.checked(LogPart::witnesses);
  }
  for (const std::string& wrong : cosigners.wrong) {
    report_.findings.add(LogPart::witnesses, [&] { return wrong; });
  }
  report_.cosignatures = cosigners.found;
  if (cosigners.found.size() < cosigners.wanted) {
    report_.findings.add(LogPart::witnesses, [&] {
      return fmt::format("{} of {} witnesses cosigned, and {} are wanted", cosigners.found.size(), cosigners.keys,
                         cosigners.wanted);
    });
  }
}

void judge_high_water(const Checkpoint& mark, std::string_view origin, std::uint64_t entries,
                      const LogNotes::RootOf& root_of, LogReport& report) {
  report.high_water = mark.size;
  report.findings.checked(LogPart::high_water);
  const auto root = mark.size <= entries ? root_of(mark.size) : std::nullopt;
  if (mark.origin != origin) {
    report.findings.add(LogPart::high_water, [&] {
      return fmt::format("the high-water file is of the log {}, and this is {}", mark.origin, origin);
    });
  } else if (mark.size > entries) {
    report.findings.add(LogPart::high_water, [&] {
      return fmt::format("the log had {} entries before, and has {}: it is an older copy", mark.size, entries);
    });
  } else if (root && *root != mark.root) {
    report.findings.add(LogPart::high_water, [&] {
      return fmt::format("the first {} entries are not those that the log had before", mark.size);
    });
  }
}

}  // namespace openexec
