// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/core/claims.h"
#include "daemon/core/receipt_log.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"

namespace openexec {
namespace {

Json position(const LogPosition& log) {
  return Json::object({{"index", static_cast<std::int64_t>(log.index)}, {"origin", log.origin}});
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

template <typename T>
Result<T> or_unavailable(StoreResult<T> result) {
  if (!result) {
    return fail(Reason::store_unavailable, "The store cannot be read: " + result.error().message);
  }
  return std::move(*result);
}

// The entry a query asks for; nothing when there is none.
Result<std::optional<std::uint64_t>> find_entry(const ReadTxn& txn, const Policy& policy, const ReceiptQuery& query) {
  if (const auto* id = std::get_if<ExecutionId>(&query.by)) {
    return or_unavailable(latest_entry_of(txn, *id));
  }
  if (const auto* nonce = std::get_if<std::string>(&query.by)) {
    if (policy.any_tenant()) {
      return fail(Reason::invalid_params,
                  "nonce: this daemon serves any tenant, so a nonce alone names nothing: ask by id or index");
    }
    const auto record = or_unavailable(find_claim(txn, claim_key(policy.tenant_id, *nonce)));
    if (!record) {
      return std::unexpected(record.error());
    }
    return *record ? std::optional((*record)->index) : std::nullopt;
  }
  return std::get<std::uint64_t>(query.by);
}

}  // namespace

struct Service::Method {
  std::string_view name;
  bool takes_params;
  Result<Json> (Service::*call)(const Caller&, const Json& params);
};

// `execute` is not here: it answers later.
const Service::Method Service::methods[] = {
    {"info", false, &Service::info},
    {"health", false, &Service::health},
    {"ready", false, &Service::ready},
    {"version", false, &Service::version_info},
    {"actions/list", false, &Service::actions_list},
    {"receipts/verify", true, &Service::receipts_verify},
    {"receipts/get", true, &Service::receipts_get},
};

Service::Service(const Clock& clock, Engine& engine, const Committer& committer, const Registry& registry,
                 const Policy& policy, std::vector<std::string> warnings, unsigned store_warn_percent)
    : clock_(clock),
      engine_(engine),
      committer_(committer),
      registry_(registry),
      policy_(policy),
      warnings_(std::move(warnings)),
      store_warn_percent_(store_warn_percent) {}

void Service::handle(const Caller& caller, Request request, Respond respond) {
  if (request.method == "execute") {
    return execute(caller, request, std::move(respond));
  }
  if (!may_connect(policy_, caller)) {
    return respond(encode_error(request.id, peer_not_allowed_error()));
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

void Service::execute(const Caller& caller, const Request& request, Respond respond) {
  auto decoded = decode_execute(request.params);
  if (!decoded) {
    return respond(encode_error(request.id, may_connect(policy_, caller) ? decoded.error() : peer_not_allowed_error()));
  }
  engine_.submit(caller, std::move(*decoded), [id = request.id, respond = std::move(respond)](Answer answer) mutable {
    if (const auto* result = std::get_if<ExecuteResult>(&answer)) {
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
    auto txn = store->read();
    const auto size = txn ? log_size(*txn) : std::unexpected(txn.error());
    if (!size) {
      return fail(Reason::store_unavailable, "The store cannot be read: " + size.error().message);
    }
    health.push_back({"log", Json::object({{"origin", policy_.origin}, {"size", static_cast<std::int64_t>(*size)}})});
    health.push_back({"store", Json::object({{"dir", store->options().dir},
                                             {"map_size_bytes", static_cast<std::int64_t>(store->map_size_bytes())},
                                             {"used_bytes", static_cast<std::int64_t>(store->used_bytes())}})});
  }
  health.push_back({"warnings", std::move(warnings)});
  health.push_back({"durability", "full"});
  health.push_back({"registry", to_hex(registry_.digest().view())});
  health.push_back({"actions", static_cast<std::int64_t>(registry_.actions().size())});
  health.push_back({"tenant_id", policy_.tenant_id ? Json(*policy_.tenant_id) : Json(nullptr)});
  health.push_back({"halted", false});
  return Json::object(std::move(health));
}

Result<Json> Service::actions_list(const Caller& /*caller*/, const Json& /*params*/) { return registry_.to_json(); }

Result<Json> Service::receipts_verify(const Caller& /*caller*/, const Json& params) {
  const auto request = decode_receipt_verify(params);
  if (!request) {
    return std::unexpected(request.error());
  }
  return Json::object({{"valid", verify_seed_receipt(*request)}});
}

Result<Json> Service::receipts_get(const Caller& caller, const Json& params) {
  const auto query = decode_receipt_query(params);
  if (!query) {
    return std::unexpected(query.error());
  }
  const Store* store = engine_.store_failed() ? nullptr : committer_.store();
  auto txn = or_unavailable(store != nullptr ? store->read() : std::unexpected(StoreError{"it is being opened again"}));
  if (!txn) {
    return std::unexpected(txn.error());
  }
  const auto index = find_entry(*txn, policy_, *query);
  if (!index) {
    return std::unexpected(index.error());
  }
  const auto leaf = *index ? or_unavailable(leaf_at(*txn, **index)) : Result<std::optional<std::string>>();
  if (!leaf) {
    return std::unexpected(leaf.error());
  }
  // What somebody else's attempt left is as good as not there: indexes and nonces can be guessed.
  const Error not_found{Reason::receipt_not_found, "There is no such receipt, or it belongs to another user"};
  if (!*leaf) {
    return std::unexpected(not_found);
  }
  const auto json = parse_json(**leaf);
  const auto receipt = json ? receipt_from_json(*json) : std::unexpected(json.error().message);
  if (!receipt) {
    return fail(Reason::internal, fmt::format("Entry {} cannot be read: the store is damaged", **index));
  }
  if (!may_read_all(policy_, caller) && receipt->peer.uid != caller.peer.uid) {
    return std::unexpected(not_found);
  }
  return Json::object({{"receipt", *json}, {"log", position({policy_.origin, **index})}});
}

}  // namespace openexec
