// SPDX-License-Identifier: Apache-2.0
#include "client/cli/trust.h"

#include <fmt/format.h>

#include <utility>

#include "client/cli/input.h"

namespace openexec::cli {

void add_trust_options(App& app, TrustArguments& arguments, LogKeyIs log_key) {
  app.add_option("--log-key", arguments.log_key, "the log's verifier key, as it came to you by a safe way; @FILE")
      .required(log_key == LogKeyIs::required);
  app.add_option("--witness", arguments.witnesses, "a witness's verifier key, or @FILE; may be given again");
  app.add_option("--quorum", arguments.quorum, "how many of these witnesses must have cosigned; all when left out");
}

std::expected<LogTrust, std::string> read_log_trust(const TrustArguments& arguments) {
  LogTrust trust;
  if (!arguments.log_key.empty()) {
    auto log = read_vkey_argument("--log-key", arguments.log_key, NoteKeyType::ed25519);
    if (!log) {
      return std::unexpected(log.error());
    }
    trust.log = *std::move(log);
  }
  for (const std::string& argument : arguments.witnesses) {
    auto witness = read_vkey_argument("--witness", argument, NoteKeyType::cosignature);
    if (!witness) {
      return std::unexpected(witness.error());
    }
    for (const NoteKey& given : trust.witnesses) {
      if (given.key == witness->key) {
        return std::unexpected(
            fmt::format("--witness: {} and {} are the same key, which counts once", given.name, witness->name));
      }
    }
    if (trust.log && witness->key == trust.log->key) {
      return std::unexpected(fmt::format("--witness: {} has the log's own key: it is no witness of it", witness->name));
    }
    trust.witnesses.push_back(*std::move(witness));
  }
  trust.quorum = arguments.quorum;
  if (trust.quorum && (*trust.quorum > trust.witnesses.size() || *trust.quorum == 0)) {
    return std::unexpected(
        fmt::format("--quorum: {} of {} witnesses is no quorum: it is 1 or more, and no more than "
                    "there are --witness keys",
                    *trust.quorum, trust.witnesses.size()));
  }
  return trust;
}

std::expected<client::ProofTrust, std::string> read_trust(const TrustArguments& arguments) {
  auto trust = read_log_trust(arguments);
  if (!trust || !trust->log) {
    return std::unexpected(trust ? "--log-key: the log's verifier key is wanted" : trust.error());
  }
  client::ProofTrust out;
  out.log = *std::move(trust->log);
  out.witnesses = std::move(trust->witnesses);
  out.quorum = trust->quorum;
  return out;
}

}  // namespace openexec::cli
