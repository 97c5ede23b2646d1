// SPDX-License-Identifier: Apache-2.0
// The keys that a verifying command is told to trust: --log-key, --witness, --quorum.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/command.h"
#include "client/verify.h"
#include "proto-json/log_notes.h"

namespace openexec::cli {

struct TrustArguments {
  std::string log_key;
  std::vector<std::string> witnesses;
  std::optional<std::size_t> quorum;
};
// The log's key is required but where something else can stand for it.
enum class LogKeyIs { required, optional };
void add_trust_options(App& app, TrustArguments& arguments, LogKeyIs log_key = LogKeyIs::required);
// The errors are texts for a person: the command line is wrong.
std::expected<client::ProofTrust, std::string> read_trust(const TrustArguments& arguments);
// Without the log's key when none was given.
std::expected<LogTrust, std::string> read_log_trust(const TrustArguments& arguments);

}  // namespace openexec::cli
