// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "client/cli/command.h"

namespace openexec::cli {
namespace {

constexpr std::array<Command, 2> commands{{
    {"show", set_up_receipt_show, "Show the receipt of an attempt, and keep its proof"},
    {"verify", set_up_receipt_verify, "Check a receipt's proof, offline"},
}};

}  // namespace

Run set_up_receipt(App& app) {
  app.footer("Example:\n  openexec receipt show --nonce 7c9e66790b1f4e4f8a52c3d0e4b1a96f");
  return set_up_one_of(app, commands);
}

}  // namespace openexec::cli
