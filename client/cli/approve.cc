// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "client/cli/input.h"
#include "client/cli/screen.h"
#include "client/cli/terminal.h"
#include "proto-json/approval.h"
#include "proto-json/canonical.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/execution_id.h"
#include "proto-json/limits.h"
#include "proto-json/names.h"
#include "proto-json/pem.h"

namespace openexec::cli {
namespace {

struct Arguments {
  std::string action;
  std::string payload;
  std::string key;
  std::string tenant;
  std::string lifetime = "5m";
  bool yes = false;
  std::string out;
};

UtcTime now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count()};
}

// Everything the signature will cover, in ASCII only: a look-alike letter in a name shows as what it is.
std::string description(const ApprovalTerms& terms, std::string_view key_path, std::string_view id) {
  const std::int64_t lifetime_s = (terms.expires_at.us - terms.issued_at.us) / us_per_s;
  const std::string tenant = compact_text(Json(terms.tenant_id));  // in quotes
  return fmt::format(
      "  You are about to approve, once:\n\n"
      "    action     {}\n"
      "    payload    {}\n"
      "    tenant     {}\n"
      "    valid      {}, until {}\n"
      "    signed by  {} (key {})\n\n",
      printable(terms.action), compact_text(terms.payload), tenant.substr(1, tenant.size() - 2),
      lifetime_text(lifetime_s), moment_text(terms.expires_at), printable(key_path), shortened(id));
}

Exit refuse(std::string_view what, std::string_view next = {}) {
  complain(what, next);
  return Exit::refused;
}

// What is to be signed; or a text for a person.
std::expected<ApprovalTerms, std::string> terms_of(const Arguments& arguments, const std::string& tenant,
                                                   std::int64_t lifetime_ms) {
  auto payload = read_object_argument("the payload", arguments.payload);
  if (!payload) {
    return std::unexpected(payload.error());
  }
  auto id = random_uuid();
  if (!id) {
    return std::unexpected(id.error());
  }
  const UtcTime issued_at = now();
  return ApprovalTerms{.approval_id = *std::move(id),
                       .tenant_id = tenant,
                       .action = arguments.action,
                       .payload = *std::move(payload),
                       .issued_at = issued_at,
                       .expires_at = {issued_at.us + lifetime_ms * 1000}};
}

// The person's consent, or how to end without it.
std::expected<void, Exit> consent(const Arguments& arguments, std::string_view shown) {
  if (arguments.yes) {
    static_cast<void>(std::fwrite(shown.data(), 1, shown.size(), stderr));
    return {};
  }
  const Terminal terminal;
  if (!terminal.is_there()) {
    complain("there is no terminal to ask on, so nothing was signed",
             "Run it in a terminal, or say --yes when you know what it is that you sign.");
    return std::unexpected(Exit::usage);
  }
  if (!terminal.confirms(shown, "Sign?")) {
    return std::unexpected(refuse("nothing was signed"));
  }
  return {};
}

Exit approve(const Globals& globals, const Arguments& arguments, const std::string& tenant, std::int64_t lifetime_ms) {
  protect_secrets();
  const Screen screen(globals);
  const auto terms = terms_of(arguments, tenant, lifetime_ms);
  if (!terms) {
    return refuse(terms.error(), "Nothing was signed.");
  }
  if (const auto free = check_is_new(arguments.out); !free) {
    return refuse(free.error(), "Nothing was signed.");
  }
  const auto key = read_secret_key_file(arguments.key);
  if (!key) {
    return refuse(key.error(), "Nothing was signed.");
  }
  const std::string id = key_id(key->public_key());
  // Made before the question, so that terms no daemon would take are refused now; it leaves this process only after it.
  const auto artifact = mint_clawshield_approval(*terms, *key);
  if (!artifact) {
    return refuse(printable(artifact.error().message), "Nothing was signed.");
  }
  if (const auto consented = consent(arguments, description(*terms, arguments.key, id)); !consented) {
    return consented.error();
  }

  if (arguments.out.empty()) {
    screen.document(*artifact);
    return Exit::done;
  }
  if (const auto written = write_new_file(arguments.out, to_spaced(*artifact) + "\n", Access::everybody); !written) {
    return refuse(written.error(), "The approval was not kept: choose another --out.");
  }
  if (!screen.human()) {
    screen.document(Json::object({{"approval_id", terms->approval_id}, {"file", arguments.out}, {"key_id", id}}));
    return Exit::done;
  }
  screen.row("signed",
             fmt::format("{:<26} until {}, by key {}", printable(terms->action), moment_text(terms->expires_at),
                         shortened(id)),
             Colour::green);
  screen.row("approval", fmt::format("{:<26} id {}", printable(arguments.out), terms->approval_id));
  return Exit::done;
}

}  // namespace

Run set_up_approve(App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("--action", arguments->action, "the action that may run, once").required();
  app.add_option("--payload", arguments->payload, "its exact input, a JSON object; @FILE or - reads it").required();
  app.add_option("--key", arguments->key, "the secret key that openexec keygen wrote").required();
  app.add_option("--tenant", arguments->tenant, "the daemon's tenant; $CLAWSHIELD_TENANT_ID when left out");
  app.add_option("--lifetime", arguments->lifetime, "how long it is valid: 30s, 5m, 24h").shows_default();
  app.add_flag("--yes", arguments->yes, "sign without asking");
  app.add_option("--out", arguments->out, "write the approval to this new file, not to standard output");
  app.footer(
      "Shows what may run, asks on the terminal, and signs. No daemon is needed, and the key stays where it is.\n\n"
      "Example:\n"
      "  openexec approve --action echo --payload '{\"msg\":\"hello\"}' --tenant acme --key ops.pem --out echo.json");
  return [arguments](const Globals& globals) {
    const char* environment = std::getenv("CLAWSHIELD_TENANT_ID");
    const std::string tenant = !arguments->tenant.empty() ? arguments->tenant
                               : environment == nullptr   ? ""
                                                          : environment;
    const auto lifetime_ms = parse_duration_ms(arguments->lifetime);
    if (tenant.empty()) {
      complain("an approval is for one tenant, and none is named",
               "Say --tenant NAME or set CLAWSHIELD_TENANT_ID; openexec health shows the daemon's.");
      return Exit::usage;
    }
    if (!is_tenant_id(tenant) || !is_action_name(arguments->action)) {
      complain(!is_tenant_id(tenant) ? "a tenant is 1 to 128 bytes of UTF-8 with no control characters"
                                     : "an action is 1 to 128 of the characters A-Z a-z 0-9 _ . : -");
      return Exit::usage;
    }
    if (!lifetime_ms || *lifetime_ms < 1000) {
      complain("--lifetime is a whole number and a unit, from a second to 366 days: 30s, 5m, 24h");
      return Exit::usage;
    }
    return approve(globals, *arguments, tenant, *lifetime_ms);
  };
}

}  // namespace openexec::cli
