// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/core/evidence.h"
#include "proto-json/encoding.h"

namespace openexec {
namespace {

Json position(const LogPosition& log) {
  return Json::object({{"index", static_cast<std::int64_t>(log.index)}, {"origin", log.origin}});
}

Json to_json(const SandboxState& sandbox) {
  return Json::object({{"required", sandbox.required},
                       {"landlock_abi", sandbox.landlock_abi},
                       {"seccomp", sandbox.seccomp},
                       {"cgroup", sandbox.cgroup},
                       {"missing", Json::Array(sandbox.missing.begin(), sandbox.missing.end())}});
}

Json data_of(const Refusal& refusal) {
  std::vector<Member> data;
  if (refusal.receipt) {
    data.push_back({"receipt", position(*refusal.receipt)});
  }
  if (refusal.action_hash) {
    data.push_back({"action_hash", to_hex(refusal.action_hash->view())});
  }
  if (refusal.canonical) {
    data.push_back({"canonical", *refusal.canonical});
  }
  return Json::object(std::move(data));
}

}  // namespace

// Decodes, reads, answers.
template <typename Query, typename Answer>
Result<Json> Service::answer_from_log(const Result<Query>& query, Answer answer) const {
  if (!query) {
    return std::unexpected(query.error());
  }
  const auto txn = read();
  return txn ? answer(*txn, *query) : std::unexpected(txn.error());
}

struct Service::Method {
  std::string_view name;
  bool takes_params;
  Result<Json> (Service::*call)(const Caller&, const Json& params);
};

// `execute` and `log/cosigned` are not here: they answer later.
const Service::Method Service::methods[] = {
    {"info", false, &Service::info},
    {"health", false, &Service::health},
    {"ready", false, &Service::ready},
    {"version", false, &Service::version_info},
    {"actions/list", false, &Service::actions_list},
    {"receipts/verify", true, &Service::receipts_verify},
    {"receipts/get", true, &Service::receipts_get},
    {"log/checkpoint", false, &Service::log_checkpoint},
    {"log/entries", true, &Service::log_entries},
    {"log/inclusion", true, &Service::log_inclusion},
    {"log/consistency", true, &Service::log_consistency},
};

Service::Service(const Clock& clock, Engine& engine, const Committer& committer, const Registry& registry,
                 const Policy& policy, std::vector<std::string> warnings, unsigned store_warn_percent,
                 SandboxState sandbox)
    : clock_(clock),
      engine_(engine),
      committer_(committer),
      registry_(registry),
      policy_(policy),
      warnings_(std::move(warnings)),
      store_warn_percent_(store_warn_percent),
      sandbox_(std::move(sandbox)),
      actions_(registry.to_json()) {}

void Service::handle(const Caller& caller, Request request, Respond respond) {
  if (request.method == "execute") {
    return execute(caller, std::move(request), std::move(respond));
  }
  if (!may_connect(policy_, caller)) {
    return respond(encode_error(request.id, peer_not_allowed_error()));
  }
  if (!engine_.may_ask(caller.peer.uid)) {
    return respond(encode_error(request.id, Engine::rate_limited_error()));
  }
  if (request.method == "log/cosigned") {
    return log_cosigned(caller, request, std::move(respond));
  }
  const auto* method = std::find_if(std::begin(methods), std::end(methods),
                                    [&](const Method& candidate) { return candidate.name == request.method; });
  if (method == std::end(methods)) {
    return respond(encode_error(request.id, {Reason::method_not_found, "Unknown method: docs/protocol.md lists them"}));
  }
  const auto params = method->takes_params ? Result<void>() : decode_no_params(request.params);
  const auto result = params ? (this->*method->call)(caller, request.params) : std::unexpected(params.error());
  respond(result ? encode_result(request.id, *result) : encode_error(request.id, result.error()));
}

void Service::execute(const Caller& caller, Request request, Respond respond) {
  auto decoded = decode_execute(std::move(request.params));
  if (!decoded) {
    const Error error = !may_connect(policy_, caller)       ? peer_not_allowed_error()
                        : !engine_.may_ask(caller.peer.uid) ? Engine::rate_limited_error()
                                                            : decoded.error();
    return respond(encode_error(request.id, error));
  }
  const bool proof = decoded->proof;
  engine_.submit(caller, std::move(*decoded),
                 [this, proof, caller, id = request.id, respond = std::move(respond)](Answer answer) mutable {
                   if (auto* result = std::get_if<ExecuteResult>(&answer)) {
                     if (proof) {
                       // From the store, never from memory. What was done is told also when its proof cannot be read at
                       // this moment, and when it is the receipt of another user who asked for the same.
                       const auto txn = read();
                       auto text =
                           txn ? proof_for(*txn, policy_, caller, result->log.index) : std::unexpected(txn.error());
                       result->proof = text ? std::optional(*std::move(text)) : std::nullopt;
                     }
                     respond(encode_execute_result(id, *result));
                   } else if (const auto* check = std::get_if<CheckResult>(&answer)) {
                     respond(encode_result(id, to_json(*check)));
                   } else {
                     const auto& refusal = std::get<Refusal>(answer);
                     respond(encode_error(id, refusal.error, data_of(refusal)));
                   }
                 });
}

Result<Json> Service::info(const Caller& /*caller*/, const Json& /*params*/) {
  return Json::object({{"service", "OpenExec"}, {"status", "running"}, {"version", version}});
}

Result<Json> Service::version_info(const Caller& /*caller*/, const Json& /*params*/) {
  return Json::object(
      {{"version", version}, {"timestamp", to_seed_text(clock_.now())}, {"protocol", protocol_version}});
}

Result<Json> Service::ready(const Caller& /*caller*/, const Json& /*params*/) {
  const Store* store = committer_.store();
  const bool can_claim = store != nullptr && store->used_percent() < limits::store_full_percent;
  return Json::object({{"ready", can_claim && !engine_.store_failed() && !engine_.stopping()}});
}

Result<Json> Service::health(const Caller& /*caller*/, const Json& /*params*/) {
  // The seed's members, with the seed's values.
  const bool is_signed = policy_.mode == Mode::clawshield;
  const Store* store = engine_.store_failed() ? nullptr : committer_.store();
  std::vector<Member> health = {{"status", store != nullptr ? "healthy" : "unhealthy"},
                                {"exec_mode", to_text(policy_.mode)},
                                {"signature_verification", is_signed ? "enabled" : "disabled"}};
  if (policy_.allowed_actions) {
    Json::Array allowed(policy_.allowed_actions->begin(), policy_.allowed_actions->end());
    health.push_back({"restriction", "restricted"});
    health.push_back({"allow_list", std::move(allowed)});
  } else {
    health.push_back({"restriction", "open"});
    health.push_back({"warning", "No execution allow-list configured"});
  }
  // Ours.
  Json::Array warnings(warnings_.begin(), warnings_.end());
  if (store == nullptr) {
    warnings.emplace_back("the store failed and is being opened again: nothing is claimed");
  } else {
    if (store->used_percent() >= store_warn_percent_) {
      warnings.emplace_back(fmt::format("the store is {} % full: raise [store] map_size", store->used_percent()));
    }
    const auto txn = read();
    auto log = txn ? describe_log(*txn, policy_) : std::unexpected(txn.error());
    if (!log) {
      return log;
    }
    health.push_back({"log", *std::move(log)});
    health.push_back({"store", Json::object({{"dir", store->options().dir},
                                             {"map_size_bytes", static_cast<std::int64_t>(store->map_size_bytes())},
                                             {"used_bytes", static_cast<std::int64_t>(store->used_bytes())}})});
  }
  health.push_back({"warnings", std::move(warnings)});
  health.push_back({"durability", "full"});
  health.push_back({"registry", *actions_.find("registry")});
  health.push_back({"actions", static_cast<std::int64_t>(registry_.actions().size())});
  health.push_back({"tenant_id", policy_.tenant_id ? Json(*policy_.tenant_id) : Json(nullptr)});
  health.push_back({"halted", false});
  health.push_back({"sandbox", to_json(sandbox_)});
  return Json::object(std::move(health));
}

Result<Json> Service::actions_list(const Caller& /*caller*/, const Json& /*params*/) { return actions_; }

Result<Json> Service::receipts_verify(const Caller& /*caller*/, const Json& params) {
  const auto request = decode_receipt_verify(params);
  if (!request) {
    return std::unexpected(request.error());
  }
  return Json::object({{"valid", verify_seed_receipt(*request)}});
}

Result<ReadTxn> Service::read() const {
  const Store* store = engine_.store_failed() ? nullptr : committer_.store();
  auto txn = store != nullptr ? store->read() : std::unexpected(StoreError{"it is being opened again"});
  if (!txn) {
    return fail(Reason::store_unavailable, "The store cannot be read: " + txn.error().message);
  }
  return *std::move(txn);
}

Result<Json> Service::receipts_get(const Caller& caller, const Json& params) {
  return answer_from_log(decode_receipt_query(params), [&](const ReadTxn& txn, const ReceiptQuery& query) {
    return find_receipt(txn, policy_, caller, query);
  });
}

Result<Json> Service::log_checkpoint(const Caller& /*caller*/, const Json& /*params*/) {
  const auto txn = read();
  return txn ? show_checkpoint(*txn) : std::unexpected(txn.error());
}

Result<Json> Service::log_entries(const Caller& caller, const Json& params) {
  return answer_from_log(decode_entries_query(params), [&](const ReadTxn& txn, const EntriesQuery& query) {
    return list_entries(txn, policy_, caller, query);
  });
}

Result<Json> Service::log_inclusion(const Caller& /*caller*/, const Json& params) {
  return answer_from_log(decode_inclusion_query(params), show_inclusion);
}

Result<Json> Service::log_consistency(const Caller& /*caller*/, const Json& params) {
  return answer_from_log(decode_consistency_query(params), show_consistency);
}

void Service::log_cosigned(const Caller& caller, const Request& request, Respond respond) {
  if (!may_read_all(policy_, caller)) {
    return respond(encode_error(
        request.id,
        {Reason::peer_not_allowed, "Only root, the daemon's own user and [log] reader_uids may bring cosignatures"}));
  }
  const auto query = decode_cosigned_query(request.params);
  const auto txn = query ? read() : std::unexpected(query.error());
  auto accepted = txn ? accept_cosigned(*txn, policy_, *query) : std::unexpected(txn.error());
  if (!accepted) {
    return respond(encode_error(request.id, accepted.error()));
  }
  const Json result =
      Json::object({{"size", static_cast<std::int64_t>(accepted->cosigning.size)},
                    {"witnesses", Json::Array(accepted->witnesses.begin(), accepted->witnesses.end())}});
  engine_.keep(std::move(accepted->cosigning),
               [id = request.id, result, respond = std::move(respond)](const std::optional<Error>& error) mutable {
                 respond(error ? encode_error(id, *error) : encode_result(id, result));
               });
}

}  // namespace openexec
