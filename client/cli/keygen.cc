// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <system_error>

#include "client/cli/input.h"
#include "client/cli/screen.h"
#include "proto-json/crypto.h"
#include "proto-json/pem.h"

namespace openexec::cli {
namespace {

Exit keygen(const Globals& globals, const std::string& name) {
  protect_secrets();
  const Screen screen(globals);
  const std::string secret_path = name + ".pem";
  const std::string public_path = name + ".pub";
  const auto key = new_secret_key();
  if (!key) {
    complain(key.error());
    return Exit::refused;
  }
  std::string secret = to_secret_key_pem(*key);
  auto written = write_new_file(secret_path, secret, Access::owner_only);
  wipe(secret);
  if (written) {
    written = write_new_file(public_path, to_public_key_pem(key->public_key()), Access::everybody);
    if (!written) {
      ::unlink(secret_path.c_str());
    }
  }
  if (!written) {
    complain(written.error(), "No key was made. Choose another NAME or folder.");
    return Exit::refused;
  }

  const std::string id = key_id(key->public_key());
  if (!screen.human()) {
    screen.document(Json::object({{"key_id", id}, {"public_key", public_path}, {"secret_key", secret_path}}));
    return Exit::done;
  }
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(public_path, error);
  screen.row("secret key",
             fmt::format("{:<26} the approver keeps it; it signs, so nobody else may have it", printable(secret_path)),
             Colour::green);
  screen.row("public key", fmt::format("{:<26} the daemon gets it", printable(public_path)), Colour::green);
  screen.row("key id", id);
  screen.row("next",
             fmt::format("OPENEXEC_MODE=clawshield CLAWSHIELD_TENANT_ID=TENANT CLAWSHIELD_PUBLIC_KEY={} openexecd",
                         shell_word(error ? public_path : absolute.string())));
  screen.row("", fmt::format("openexec approve --action ACTION --payload PAYLOAD --tenant TENANT --key {}",
                             shell_word(secret_path)));
  return Exit::done;
}

}  // namespace

Run set_up_keygen(App& app) {
  const auto name = std::make_shared<std::string>();
  app.add_option("NAME", *name, "NAME.pem and NAME.pub are written; neither may be there yet").required();
  app.footer("Example:\n  openexec keygen ops");
  return [name](const Globals& globals) { return keygen(globals, *name); };
}

}  // namespace openexec::cli
