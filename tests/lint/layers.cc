// SPDX-License-Identifier: Apache-2.0
#include "tests/lint/layers.h"

#include <algorithm>
#include <regex>

#include "tests/lint/sources.h"

namespace openexec::lint {
namespace {

struct Layer {
  std::string_view folder;                    // the files below it; the first layer that fits counts
  std::vector<std::string_view> may_include;  // folders of ours
  bool pure = false;                          // no I/O, no clock, no randomness, no threads
};

const std::vector<Layer>& layers() {
  static const std::vector<Layer> all = {
      {"proto-json/", {"proto-json/"}, true},
      {"daemon/core/", {"daemon/core/", "proto-json/"}, true},
      {"daemon/launch/", {"daemon/launch/", "daemon/io/unique_fd.h", "proto-json/limits.h"}},
      {"daemon/io/", {"daemon/io/", "daemon/launch/", "daemon/core/", "proto-json/"}},
      {"daemon/", {"daemon/", "proto-json/"}},
      {"client/cli/", {"client/", "proto-json/"}},
      {"client/", {"client/", "proto-json/"}},
      {"tests/", {"tests/", "daemon/", "client/", "proto-json/"}},
  };
  return all;
}

// A header of somebody else's library, and the only places that may include it.
struct Library {
  std::string_view prefix;
  std::vector<std::string_view> places;
};

const std::vector<Library>& libraries() {
  static const std::vector<Library> all = {
      {"simdjson", {"proto-json/json.cc"}},
      {"sodium", {"proto-json/crypto.cc"}},
      {"nettle/", {"proto-json/crypto.cc"}},
      {"lmdb.h",
       {"daemon/core/store.cc", "daemon/core/transaction.cc", "tests/core/store_test.cc", "tests/bench/raw_lmdb.cc"}},
      {"uv", {"daemon/io/"}},
      {"re2/", {"daemon/core/schema_pattern.cc"}},
      {"seccomp", {"daemon/launch/"}},
      {"CLI/", {"client/cli/", "daemon/command_line.cc", "tests/bench/"}},
      {"toml++/", {"daemon/actions/action_values.", "daemon/toml_file.", "daemon/actions/toml_json."}},
      {"catch2/", {"tests/support/"}},
      {"fmt/", {""}},
  };
  return all;
}

// Standard headers that a pure layer has no use for.
constexpr std::string_view impure_headers[] = {
    "barrier", "condition_variable", "ctime",        "filesystem", "fstream", "future",  "iostream", "latch", "mutex",
    "random",  "semaphore",          "shared_mutex", "stop_token", "thread",  "csetjmp",
};

// The store opens and locks files: that is its job. A fault point reads its name from the environment and dies.
constexpr std::string_view store_file = "daemon/core/store.cc";
constexpr std::string_view fault_point_file = "daemon/core/fault_point.h";

bool is_below(std::string_view path, std::string_view place) { return path.starts_with(place); }

bool is_below_any(std::string_view path, const std::vector<std::string_view>& places) {
  return std::ranges::any_of(places, [&](std::string_view place) { return is_below(path, place); });
}

void check_own_header(const Layer& layer, std::string_view path, std::string_view header,
                      std::vector<std::string>& out) {
  if (!is_below_any(header, layer.may_include)) {
    out.push_back(std::string(path) + " may not include \"" + std::string(header) + "\"");
  }
  if (is_below(path, "client/") && !is_below(path, "client/cli/") && is_below(header, "client/cli/")) {
    out.push_back(std::string(path) + " is the library: it may not include \"" + std::string(header) + "\"");
  }
}

void check_system_header(const Layer& layer, std::string_view path, std::string_view header,
                         std::vector<std::string>& out) {
  for (const Library& library : libraries()) {
    if (header.starts_with(library.prefix)) {
      if (!is_below_any(path, library.places)) {
        out.push_back(std::string(path) + " may not include <" + std::string(header) + ">");
      }
      return;
    }
  }
  if (!layer.pure || path == store_file) {
    return;
  }
  const bool of_system = header.find_first_of("/.") != std::string_view::npos;
  const bool impure = std::ranges::find(impure_headers, header) != std::ranges::end(impure_headers);
  if (of_system || impure) {
    out.push_back(std::string(path) + " is pure: it may not include <" + std::string(header) + ">");
  }
}

void check_calls(std::string_view path, std::string_view text, std::vector<std::string>& out) {
  static const std::regex impure_call(
      R"(\b(system_clock|steady_clock|high_resolution_clock|gettimeofday|clock_gettime|localtime|gmtime|random_device|)"
      R"(mt19937|randombytes\w*|getrandom|arc4random\w*|s?rand\s*\(|pthread_\w+|getenv|)"
      R"(time\s*\(\s*(?:nullptr|NULL|0|&))|std::(?:j?thread|async|time)\b)");
  const std::string code = code_of(text);
  for (std::sregex_iterator match(code.begin(), code.end(), impure_call), end; match != end; ++match) {
    if (path != fault_point_file || match->str() != "getenv") {
      out.push_back(std::string(path) + " is pure: it may not use " + match->str());
    }
  }
}

}  // namespace

std::vector<std::string> layer_violations(std::string_view path, std::string_view text) {
  const auto layer = std::ranges::find_if(layers(), [&](const Layer& l) { return is_below(path, l.folder); });
  if (layer == layers().end()) {
    return {std::string(path) + " is in no layer"};
  }
  std::vector<std::string> out;
  static const std::regex include(R"re(^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">])re", std::regex::multiline);
  const std::string whole(text);
  for (std::sregex_iterator match(whole.begin(), whole.end(), include), end; match != end; ++match) {
    const std::string header = (*match)[2];
    if ((*match)[1] == "\"") {
      check_own_header(*layer, path, header, out);
    } else {
      check_system_header(*layer, path, header, out);
    }
  }
  if (layer->pure) {
    check_calls(path, text, out);
  }
  return out;
}

}  // namespace openexec::lint
