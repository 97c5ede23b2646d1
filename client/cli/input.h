// SPDX-License-Identifier: Apache-2.0
// What a command line names: documents, durations, files, randomness.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proto-json/bytes.h"
#include "proto-json/crypto.h"
#include "proto-json/json.h"
#include "proto-json/note.h"

namespace openexec::cli {

// Errors here are texts for a person, already printable.

// An argument that is a JSON object: the text itself, "-" for standard input, "@FILE" for a file.
std::expected<Json, std::string> read_object_argument(std::string_view what, const std::string& argument);
// A JSON object in a file; "-" for standard input.
std::expected<Json, std::string> read_object_file(std::string_view what, const std::string& path);

// A whole regular file; "-" for standard input, whatever that is.
std::expected<std::string, std::string> read_whole_file(const std::string& path, std::size_t bytes_max);
// A verifier key of that type: the vkey itself, or "@FILE" for a file that holds it alone on one line.
std::expected<NoteKey, std::string> read_vkey_argument(std::string_view what, const std::string& argument,
                                                       NoteKeyType type);

// A whole number and a unit: 500ms, 30s, 5m, 24h. Milliseconds, 1 to duration_ms_max.
std::optional<std::int64_t> parse_duration_ms(std::string_view text);

// The key of a PEM file that nobody but its owner can read or write.
std::expected<SecretKey, std::string> read_secret_key_file(const std::string& path);

// An error when there is something at that path, so that it is told before anything is done. Empty: no file is wanted.
std::expected<void, std::string> check_is_new(const std::string& path);
enum class Access { owner_only, everybody };  // 0600, or 0666 less the umask
// Writes a file that must not be there yet; one that cannot be written whole is taken away again.
std::expected<void, std::string> write_new_file(const std::string& path, std::string_view text, Access access);

// A new Ed25519 key from the kernel's randomness.
std::expected<SecretKey, std::string> new_secret_key();

// Random bytes from the kernel.
std::expected<void, std::string> fill_random(std::span<std::uint8_t> bytes);
std::expected<std::string, std::string> random_nonce();  // 128 bits as 32 hexadecimal digits
std::expected<std::string, std::string> random_uuid();   // UUIDv4, RFC 9562

// No core file and no debugger of the same user gets at a key that this process holds.
void protect_secrets();

}  // namespace openexec::cli
