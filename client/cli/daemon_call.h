// SPDX-License-Identifier: Apache-2.0
// Asking the daemon, and telling a person what came of it when that was no result.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/command.h"
#include "client/cli/screen.h"
#include "client/client.h"
#include "proto-json/bytes.h"
#include "proto-json/json.h"

namespace openexec::cli {

// The socket that --socket, the environment or the rule of proto-json/socket_path.h names.
std::string socket_path(const Globals& globals);

// A connection, for more than one call.
std::expected<client::Client, client::Failure> connect_daemon(const Globals& globals);

// One connection, one call.
std::expected<client::Outcome, client::Failure> call_daemon(const Globals& globals, std::string_view method,
                                                            const Json& params);

// No answer to a request that changes nothing: what happened, and how to have a daemon there.
Exit tell_failure(const Globals& globals, const client::Failure& failure);

// Shell command lines that an error's advice may need; empty where there is none.
struct Advice {
  std::string approve;     // makes an approval for this request
  std::string same_again;  // sends this request again, with its nonce
};
// The daemon's error: as it is, or as a block that says what happened, why, and what to do next.
Exit tell_error(const Screen& screen, const Json& error, const Advice& advice);

// call_daemon() for a request that changes nothing: its result, or how to end after everything has been told.
std::expected<Json, Exit> ask(const Globals& globals, const Screen& screen, std::string_view method,
                              const Json& params = nullptr);

// The proof that the log's tree of `to` entries begins with that of `from`, as the daemon gives it; not verified here.
std::expected<std::vector<Hash>, Exit> ask_consistency(const Globals& globals, const Screen& screen, std::uint64_t from,
                                                       std::uint64_t to);

// Writes the member `proof` of an answer to a new file. The error is a text for a person.
std::expected<void, std::string> write_proof(const Json& answer, const std::string& path);

// "41 of vm1/openexec", from the member `log` or `receipt` that says so; empty when it does not.
std::string entry_text(const Json* position);

}  // namespace openexec::cli
