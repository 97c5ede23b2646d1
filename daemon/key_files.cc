// SPDX-License-Identifier: Apache-2.0
#include "daemon/key_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "daemon/io/ownership.h"
#include "daemon/io/small_file.h"
#include "proto-json/crypto.h"
#include "proto-json/limits.h"

namespace openexec {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view pem_begin = "-----BEGIN";

std::expected<void, std::string> add_file(Keyring& keyring, const fs::path& path) {
  auto pem = read_small_file(path.string(), limits::key_file_bytes_max, write_objection);
  if (!pem.has_value()) {
    return std::unexpected(fmt::format("cannot read {}: {}", path.string(), pem.error()));
  }
  auto added = keyring.add_pem(path.stem().string(), *pem);
  wipe(*pem);  // it may have been a private key
  return added.has_value() ? added : std::unexpected(fmt::format("{}: {}", path.string(), added.error()));
}

std::expected<std::vector<fs::path>, std::string> key_files_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> out;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string extension = at->path().extension().string();
    if (extension == ".pem" || extension == ".pub") {
      out.push_back(at->path());
    }
  }
  if (error) {
    return std::unexpected(fmt::format("cannot read {}: {}", folder.string(), error.message()));
  }
  if (out.empty()) {
    return std::unexpected(
        fmt::format("{} holds no *.pem or *.pub file; put an approver's public key there", folder.string()));
  }
  if (out.size() > limits::approver_keys_max) {
    return std::unexpected(fmt::format("{} holds {} keys and {} are the most; remove some", folder.string(), out.size(),
                                       limits::approver_keys_max));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::expected<ApproverKeys, std::string> load(const Said<std::string>& keys) {
  ApproverKeys out;
  if (is_pem_text(keys.value)) {
    const auto added = out.keyring.add_pem(keys.where, keys.value);
    return added.has_value() ? std::expected<ApproverKeys, std::string>(std::move(out))
                             : std::unexpected(added.error());
  }
  std::vector<fs::path> files = {keys.value};
  std::error_code ignored;
  if (fs::is_directory(keys.value, ignored)) {
    if (const auto wrong = folder_objection(keys.value); wrong.has_value()) {
      return std::unexpected(fmt::format("{}: {}", keys.value, *wrong));
    }
    auto found = key_files_of(keys.value);
    if (!found.has_value()) {
      return std::unexpected(found.error());
    }
    files = *std::move(found);
  }
  for (const fs::path& file : files) {
    if (const auto added = add_file(out.keyring, file); !added.has_value()) {
      return std::unexpected(added.error());
    }
    out.files.push_back(file.string());
  }
  return out;
}

}  // namespace

bool is_pem_text(std::string_view keys) { return keys.starts_with(pem_begin); }

std::expected<ApproverKeys, std::string> load_approver_keys(const Said<std::string>& keys) {
  auto loaded = load(keys);
  return loaded.has_value() ? std::move(loaded) : std::unexpected(fmt::format("{}: {}", keys.where, loaded.error()));
}

}  // namespace openexec
