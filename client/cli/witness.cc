// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "client/cli/command.h"

namespace openexec::cli {
namespace {

constexpr std::array commands{
    Command{"init", set_up_witness_init, "Make a witness: a key and a folder of its own"},
    Command{"trust", set_up_witness_trust, "Add the key of a log that it cosigns"},
    Command{"cosign", set_up_witness_cosign, "Answer one submission, from standard input to standard output"},
    Command{"show", set_up_witness_show, "Show its key, its logs and what it cosigned last"},
};

}  // namespace

Run set_up_witness(App& app) {
  app.footer("Example:\n  openexec witness init audit.example/w1 --log @vm1.vkey");
  return set_up_one_of(app, commands);
}

}  // namespace openexec::cli
