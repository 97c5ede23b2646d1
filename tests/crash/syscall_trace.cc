// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/syscall_trace.h"

#include <charconv>
#include <cstdlib>
#include <map>
#include <sstream>
#include <stdexcept>

#include "tests/support/catch.h"
#include "tests/support/process.h"

namespace openexec::test {
namespace {

constexpr std::string_view unfinished = " <unfinished ...>";
constexpr std::string_view resumed = " resumed>";

template <typename Number>
std::optional<Number> leading_number(std::string_view text) {
  Number number{};
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  return end.ec == std::errc() ? std::optional(number) : std::nullopt;
}

}  // namespace

bool can_trace() {
  bool can = false;
  try {
    can = run({.argv = {"/usr/bin/strace", "-f", "-o", "/dev/null", "/bin/true"}}).exit_code == 0;
  } catch (const std::runtime_error&) {
    // no strace
  }
  if (!can) {
    REQUIRE(std::getenv("CI") == nullptr);
    WARN("skipped: strace cannot trace here");
  }
  return can;
}

std::string_view Syscall::path() const {
  const std::string_view all = text;
  const auto open = all.find('<');
  const auto close = all.find('>');
  return open == std::string_view::npos || close == std::string_view::npos || close < open ||
                 open > all.find_first_of(",)")
             ? std::string_view()
             : all.substr(open + 1, close - open - 1);
}

std::optional<int> Syscall::fd() const { return leading_number<int>(text); }

std::optional<std::int64_t> Syscall::result() const {
  const auto equals = text.rfind(") = ");
  const auto padded = text.rfind(" = ");
  const auto at = equals != std::string::npos ? equals + 4 : padded == std::string::npos ? padded : padded + 3;
  const auto number =
      at == std::string::npos ? std::nullopt : leading_number<std::int64_t>(std::string_view(text).substr(at));
  return number && *number >= 0 ? number : std::nullopt;
}

std::vector<Syscall> read_trace(std::string_view trace) {
  std::vector<Syscall> out;
  std::map<std::string, Syscall> open;  // by thread
  std::istringstream lines{std::string(trace)};
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    const auto space = line.find(' ');
    const auto start = line.find_first_not_of(' ', space);
    if (space == std::string::npos || start == std::string::npos) {
      continue;
    }
    const std::string thread = line.substr(0, space);
    const std::string rest = line.substr(start);
    if (rest.starts_with("<... ")) {
      const auto mark = rest.find(resumed);
      auto begun = open.extract(thread);
      if (!begun.empty() && mark != std::string::npos) {
        begun.mapped().text += rest.substr(mark + resumed.size());
        begun.mapped().end = number;
        out.push_back(std::move(begun.mapped()));
      }
      continue;
    }
    const auto paren = rest.find('(');
    if (paren == std::string::npos) {
      continue;  // a signal, or the end of a thread
    }
    Syscall call{rest.substr(0, paren), rest.substr(paren + 1), number, number};
    if (call.text.ends_with(unfinished)) {
      call.text.resize(call.text.size() - unfinished.size());
      open.insert_or_assign(thread, std::move(call));
    } else {
      out.push_back(std::move(call));
    }
  }
  return out;
}

}  // namespace openexec::test
