// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/core/claims.h"
#include "daemon/core/log_tree.h"
#include "daemon/core/receipt_log.h"
#include "proto-json/approval.h"
#include "proto-json/canonical.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"
#include "proto-json/tlog_proof.h"

namespace openexec {
namespace {

template <typename T>
Result<T> or_unavailable(StoreResult<T> result) {
  if (!result) {
    return fail(Reason::store_unavailable, "The store cannot be read: " + result.error().message);
  }
  return std::move(*result);
}

// Indexes and nonces can be guessed: what is not there and what is somebody else's look the same.
Error not_found_error() {
  return {Reason::receipt_not_found, "There is no such receipt, or it belongs to another user"};
}

struct Entry {
  std::string_view leaf;  // into the map
  LeafContent content;
};

// An entry that the log has.
Result<Entry> entry_at(const ReadTxn& txn, std::uint64_t index) {
  const auto leaf = or_unavailable(leaf_at(txn, index));
  if (!leaf) {
    return std::unexpected(leaf.error());
  }
  auto content = *leaf ? read_leaf(**leaf) : std::unexpected(std::string());
  if (!content) {
    return fail(Reason::internal, fmt::format("Entry {} cannot be read: the store is damaged", index));
  }
  return Entry{**leaf, *std::move(content)};
}

// The entry a query asks for; nothing when there is none.
Result<std::optional<std::uint64_t>> find_entry(const ReadTxn& txn, const Policy& policy, const ReceiptQuery& query) {
  const auto latest = [](const Result<std::optional<ClaimRecord>>& record) -> Result<std::optional<std::uint64_t>> {
    if (!record) {
      return std::unexpected(record.error());
    }
    return *record ? std::optional((*record)->index) : std::nullopt;
  };
  if (const auto* id = std::get_if<ExecutionId>(&query.by)) {
    return latest(or_unavailable(find_claim(txn, *id)));
  }
  if (const auto* nonce = std::get_if<std::string>(&query.by)) {
    if (policy.any_tenant()) {
      return fail(Reason::invalid_params,
                  "nonce: this daemon serves any tenant, so a nonce alone names nothing: ask by id or index");
    }
    return latest(or_unavailable(find_claim(txn, claim_key(policy.tenant_id, *nonce))));
  }
  return std::get<std::uint64_t>(query.by);
}

// A caller reads what came of its own attempts; what is nobody's attempt is for those who may read everything.
bool may_read(const Policy& policy, const Caller& caller, const LeafContent& content) {
  const auto* receipt = std::get_if<Receipt>(&content);
  return may_read_all(policy, caller) || (receipt != nullptr && receipt->peer.uid == caller.peer.uid);
}

// The approval that this receipt names by its hash, as it was presented; nothing where it did not verify.
Result<std::optional<Json>> presented_with(const ReadTxn& txn, const Receipt& receipt) {
  if (!receipt.approval || !receipt.approval->id || !receipt.tenant_id) {
    return std::nullopt;
  }
  const auto used = or_unavailable(find_claim(txn, approval_key(*receipt.tenant_id, *receipt.approval->id)));
  if (!used) {
    return std::unexpected(used.error());
  }
  const auto presented =
      *used ? or_unavailable(presented_at(txn, (*used)->first_index)) : Result<std::optional<std::string_view>>();
  if (!presented) {
    return std::unexpected(presented.error());
  }
  const auto json = *presented ? parse_json(**presented) : std::unexpected(JsonError{});
  // A denial may name an approval that had its use elsewhere, or one with the same id.
  return json && presented_approval_hash(*json) == receipt.approval->hash ? std::optional(*json) : std::nullopt;
}

struct SignedSize {
  std::string note;
  std::uint64_t size;
};

Result<SignedSize> signed_size(std::string note) {
  const auto read = read_note(note);
  const auto checkpoint = read ? read_checkpoint_text(read->text) : std::unexpected(read.error());
  if (!checkpoint) {
    return fail(Reason::internal, "A checkpoint cannot be read: the store is damaged");
  }
  return SignedSize{std::move(note), checkpoint->size};
}

// The checkpoint that says most about an entry.
Result<SignedSize> checkpoint_for(const ReadTxn& txn, std::uint64_t index) {
  const auto cosigned = or_unavailable(cosigned_checkpoint(txn));
  if (!cosigned) {
    return std::unexpected(cosigned.error());
  }
  if (*cosigned) {
    auto signed_by_witnesses = signed_size(**cosigned);
    if (!signed_by_witnesses || signed_by_witnesses->size > index) {
      return signed_by_witnesses;
    }
  }
  auto note = or_unavailable(latest_checkpoint(txn));
  auto latest = note ? signed_size(*std::move(note)) : std::unexpected(note.error());
  const auto size = latest ? or_unavailable(log_size(txn)) : std::unexpected(latest.error());
  if (size && (latest->size <= index || latest->size > *size)) {
    return fail(Reason::internal, "The latest checkpoint is not of this log: the store is damaged");
  }
  return size ? std::move(latest) : std::unexpected(size.error());
}

Json to_json(const std::vector<Hash>& hashes) {
  Json::Array out;
  out.reserve(hashes.size());
  for (const Hash& hash : hashes) {
    out.emplace_back(to_base64(hash.view()));
  }
  return out;
}

Result<Json> proof_answer(StoreResult<std::vector<Hash>> hashes, std::uint64_t size) {
  const auto read = or_unavailable(std::move(hashes));
  if (!read) {
    return std::unexpected(read.error());
  }
  return Json::object({{"hashes", to_json(*read)}, {"size", static_cast<std::int64_t>(size)}});
}

// The size that a query names, or the log's own.
Result<std::uint64_t> size_or_own(const ReadTxn& txn, std::string_view member, std::optional<std::uint64_t> named) {
  const auto size = or_unavailable(log_size(txn));
  if (size && named && *named > *size) {
    return fail(Reason::invalid_params, fmt::format("Invalid params: {}: the log has {} entries", member, *size));
  }
  return size ? named.value_or(*size) : size;
}

Result<std::string> prove(const ReadTxn& txn, std::uint64_t index, const Entry& entry) {
  const auto* receipt = std::get_if<Receipt>(&entry.content);
  const auto approval = receipt != nullptr ? presented_with(txn, *receipt) : Result<std::optional<Json>>(std::nullopt);
  auto checkpoint = approval ? checkpoint_for(txn, index) : std::unexpected(approval.error());
  auto hashes =
      checkpoint ? or_unavailable(inclusion_proof(txn, index, checkpoint->size)) : std::unexpected(checkpoint.error());
  if (!hashes) {
    return std::unexpected(hashes.error());
  }
  return to_text(TlogProof{to_extra(entry.leaf, *approval), index, *std::move(hashes), std::move(checkpoint->note)});
}

}  // namespace

Result<std::string> proof_of(const ReadTxn& txn, std::uint64_t index) {
  const auto entry = entry_at(txn, index);
  return entry ? prove(txn, index, *entry) : std::unexpected(entry.error());
}

Result<std::string> proof_for(const ReadTxn& txn, const Policy& policy, const Caller& caller, std::uint64_t index) {
  const auto entry = entry_at(txn, index);
  if (!entry) {
    return std::unexpected(entry.error());
  }
  return may_read(policy, caller, entry->content) ? prove(txn, index, *entry) : std::unexpected(not_found_error());
}

Result<Json> find_receipt(const ReadTxn& txn, const Policy& policy, const Caller& caller, const ReceiptQuery& query) {
  const auto index = find_entry(txn, policy, query);
  const auto size = index ? or_unavailable(log_size(txn)) : std::unexpected(index.error());
  if (!size) {
    return std::unexpected(size.error());
  }
  if (!*index || **index >= *size) {
    return std::unexpected(not_found_error());
  }
  const auto entry = entry_at(txn, **index);
  if (!entry) {
    return std::unexpected(entry.error());
  }
  if (!may_read(policy, caller, entry->content)) {
    return std::unexpected(not_found_error());
  }
  auto proof = prove(txn, **index, *entry);
  if (!proof) {
    return std::unexpected(proof.error());
  }
  return Json::object(
      {{"receipt", *parse_json(entry->leaf)},
       {"log", Json::object({{"index", static_cast<std::int64_t>(**index)}, {"origin", policy.origin}})},
       {"proof", *std::move(proof)}});
}

Result<Json> show_checkpoint(const ReadTxn& txn) {
  const auto latest = or_unavailable(latest_checkpoint(txn));
  const auto cosigned = latest ? or_unavailable(cosigned_checkpoint(txn)) : std::unexpected(latest.error());
  if (!cosigned) {
    return std::unexpected(cosigned.error());
  }
  std::vector<Member> members = {{"checkpoint", *latest}};
  if (*cosigned) {
    members.push_back({"cosigned", **cosigned});
  }
  return Json::object(std::move(members));
}

Result<Json> list_entries(const ReadTxn& txn, const Policy& policy, const Caller& caller, const EntriesQuery& query) {
  const auto size = or_unavailable(log_size(txn));
  if (!size) {
    return std::unexpected(size.error());
  }
  Json::Array entries;
  std::size_t bytes = 0;
  for (std::uint64_t index = query.start; index < *size && entries.size() < query.limit; ++index) {
    const auto entry = entry_at(txn, index);
    if (!entry) {
      return std::unexpected(entry.error());
    }
    bytes += entry->leaf.size();
    if (bytes > limits::log_entries_bytes_max && !entries.empty()) {
      break;
    }
    entries.push_back(may_read(policy, caller, entry->content) ? *parse_json(entry->leaf) : Json(nullptr));
  }
  return Json::object({{"entries", std::move(entries)},
                       {"size", static_cast<std::int64_t>(*size)},
                       {"start", static_cast<std::int64_t>(query.start)}});
}

Result<Json> show_inclusion(const ReadTxn& txn, const InclusionQuery& query) {
  const auto size = size_or_own(txn, "size", query.size);
  if (!size) {
    return std::unexpected(size.error());
  }
  if (query.index >= *size) {
    return fail(Reason::invalid_params, fmt::format("Invalid params: index must be below the size, {}", *size));
  }
  return proof_answer(inclusion_proof(txn, query.index, *size), *size);
}

Result<Json> show_consistency(const ReadTxn& txn, const ConsistencyQuery& query) {
  const auto to = size_or_own(txn, "to", query.to);
  if (!to) {
    return std::unexpected(to.error());
  }
  if (query.from > *to) {
    return fail(Reason::invalid_params, fmt::format("Invalid params: from is past the size, {}", *to));
  }
  return proof_answer(consistency_proof(txn, query.from, *to), *to);
}

Result<AcceptedCosigning> accept_cosigned(const ReadTxn& txn, const Policy& policy, const CosignedQuery& query) {
  const auto invalid = [](std::string_view what) {
    return fail(Reason::invalid_params, "Invalid params: " + std::string(what));
  };
  const auto checkpoint = open_checkpoint(query.checkpoint, policy.log_key);
  if (!checkpoint) {
    return invalid("checkpoint: " + checkpoint.error());
  }
  const auto size = or_unavailable(log_size(txn));
  if (!size) {
    return std::unexpected(size.error());
  }
  const auto root = checkpoint->size <= *size ? or_unavailable(tree_root(txn, checkpoint->size))
                                              : fail(Reason::invalid_params, "checkpoint: it is past the log");
  if (!root) {
    return std::unexpected(root.error());
  }
  if (*root != checkpoint->root) {
    return invalid("checkpoint: this log never had that root");
  }

  AcceptedCosigning accepted;
  Note all = query.checkpoint;
  all.signatures.insert(all.signatures.end(), query.cosignatures.begin(), query.cosignatures.end());
  Note& kept = accepted.cosigning.note;
  kept.text = all.text;
  const auto keep_those_by = [&](const NoteKey& key) {
    const auto its = std::ranges::find_if(all.signatures, [&](const auto& each) { return is_by(each, key); });
    kept.signatures.push_back(*its);
  };
  keep_those_by(policy.log_key);
  for (const NoteKey& witness : policy.witnesses) {
    const auto cosignature = cosignature_by(all, witness);
    if (!cosignature) {
      return invalid("cosignatures: " + cosignature.error());
    }
    if (*cosignature) {
      keep_those_by(witness);
      accepted.witnesses.push_back(witness.name);
    }
  }
  if (accepted.witnesses.empty()) {
    return invalid(policy.witnesses.empty()
                       ? "cosignatures: this daemon has no witness: name its key in [log] witnesses"
                       : "cosignatures: none is by a witness that [log] witnesses names");
  }
  accepted.cosigning.size = checkpoint->size;
  return accepted;
}

Result<Json> describe_log(const ReadTxn& txn, const Policy& policy) {
  const auto size = or_unavailable(log_size(txn));
  const auto cosigned = size ? or_unavailable(cosigned_checkpoint(txn)) : std::unexpected(size.error());
  if (!cosigned) {
    return std::unexpected(cosigned.error());
  }
  Json::Array witnesses;
  for (const NoteKey& witness : policy.witnesses) {
    witnesses.emplace_back(witness.name);
  }
  std::vector<Member> members = {{"origin", policy.origin},
                                 {"size", static_cast<std::int64_t>(*size)},
                                 {"vkey", to_vkey(policy.log_key)},
                                 {"witnesses", std::move(witnesses)}};
  const auto note = *cosigned ? read_note(**cosigned) : std::unexpected(std::string());
  const auto checkpoint = note ? read_checkpoint_text(note->text) : std::unexpected(std::string());
  if (checkpoint) {
    std::uint64_t latest_s = 0;
    for (const NoteKey& witness : policy.witnesses) {
      const auto cosignature = cosignature_by(*note, witness);
      latest_s = cosignature && *cosignature ? std::max(latest_s, (*cosignature)->time_s) : latest_s;
    }
    const auto at = stored_time(latest_s * static_cast<std::uint64_t>(us_per_s));
    if (latest_s > 0 && at) {  // by a witness that is trusted now
      members.push_back({"cosigned", Json::object({{"at", openexec::to_text(*at)},
                                                   {"size", static_cast<std::int64_t>(checkpoint->size)}})});
    }
  }
  return Json::object(std::move(members));
}

}  // namespace openexec
