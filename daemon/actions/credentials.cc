// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/credentials.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/io/ownership.h"
#include "daemon/io/small_file.h"
#include "proto-json/limits.h"

namespace openexec {
namespace {

constexpr std::size_t name_bytes_max = 255;  // the longest file name

// systemd grants its reader by an access list, which shows as the group's right to read.
std::optional<std::string> access_objection(const struct stat& status) {
  if ((status.st_mode & S_IRWXO) != 0) {
    return "everybody may read it; make a new secret, and keep it to mode 0600";
  }
  return write_objection(status);
}

std::optional<std::string> secret_objection(std::string_view secret) {
  if (secret.size() < limits::secret_bytes_min || secret.size() > limits::secret_bytes_max) {
    return fmt::format("a secret has {} to {} bytes: a shorter one could not be told from other text in an output",
                       limits::secret_bytes_min, limits::secret_bytes_max);
  }
  if (secret.find('\0') != std::string_view::npos) {
    return "it holds a NUL, which no variable can";
  }
  return std::nullopt;
}

}  // namespace

bool is_credential_name(std::string_view name) {
  return !name.empty() && name.size() <= name_bytes_max && name != "." && name.find("..") == std::string_view::npos &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
                  c == '-';
         });
}

std::expected<SecretText, std::string> read_credential(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name;
  auto text = read_small_file(path, limits::secret_bytes_max + 1, access_objection);
  if (!text.has_value()) {
    return std::unexpected(fmt::format("{}: {}", path, text.error()));
  }
  std::string_view secret = *text;
  secret.remove_suffix(secret.ends_with('\n') ? 1 : 0);
  const auto wrong = secret_objection(secret);
  auto out = wrong.has_value()
                 ? std::expected<SecretText, std::string>(std::unexpected(fmt::format("{}: {}", path, *wrong)))
                 : SecretText::from(secret);
  wipe(*text);
  return out;
}

}  // namespace openexec
