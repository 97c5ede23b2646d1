// SPDX-License-Identifier: Apache-2.0
// The private key that signs the log: a PKCS#8 PEM file that nobody but its owner can read.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "proto-json/checkpoint.h"

namespace openexec {

struct LogKeyFile {
  std::string path;
  bool is_ours = false;        // in the store's folder: made at the first start. Elsewhere it is only read
  bool is_credential = false;  // from $CREDENTIALS_DIRECTORY, whose files the service manager guards
};

// The log key's file in a store's folder.
std::string log_key_path(const std::string& store_dir);

// The key of an existing file.
std::expected<SecretKey, std::string> read_log_key(const LogKeyFile& file);

// `bound`: the vkey that the store's log is signed with, nothing in a new store: only then a key is made. The error is
// one line that says what to change.
// `adopt_command`: what begins a new epoch, for a person to type.
std::expected<NoteSigner, std::string> open_log_key(const LogKeyFile& file, const std::string& log_name,
                                                    const std::optional<std::string>& bound,
                                                    const std::string& adopt_command);

// Makes a key and writes it, durably, to a file that must not be there yet.
std::expected<SecretKey, std::string> make_log_key(const std::string& path);

}  // namespace openexec
