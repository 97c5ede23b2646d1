// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "client/cli/daemon_call.h"
#include "client/cli/input.h"

namespace openexec::cli {
namespace {

struct Arguments {
  std::string method;
  std::string params;
};

Exit call(const Globals& globals, const Arguments& arguments) {
  const Screen screen(globals);
  Json params;
  if (!arguments.params.empty()) {
    auto read = read_object_argument("PARAMS", arguments.params);
    if (!read) {
      complain(read.error(), "Give an object, @FILE or - for standard input.");
      return Exit::refused;
    }
    params = *std::move(read);
  }
  const auto outcome = call_daemon(globals, arguments.method, params);
  if (!outcome) {
    if (arguments.method != "execute" || !outcome.error().outcome_unknown()) {
      return tell_failure(globals, outcome.error());
    }
    complain(fmt::format("the outcome is unknown: {}", printable(outcome.error().message)),
             "Send the same request with the same nonce again: it runs at most once, so this is safe.");
    return Exit::outcome_unknown;
  }
  if (const Json* error = outcome->error()) {
    return tell_error(screen, *error, {});
  }
  if (screen.human()) {
    screen.print(compact_text(*outcome->result()) + "\n");
  } else {
    screen.document(*outcome->result());
  }
  return Exit::done;
}

}  // namespace

Run set_up_call(App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("METHOD", arguments->method, "a method of docs/protocol.md").required();
  app.add_option("PARAMS", arguments->params, "its params, an object; @FILE or - reads them");
  app.footer("Example:\n  openexec call receipts/get '{\"index\":0}'");
  return [arguments](const Globals& globals) { return call(globals, *arguments); };
}

}  // namespace openexec::cli
