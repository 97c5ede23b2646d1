// SPDX-License-Identifier: Apache-2.0
#include "tests/lint/layers.h"

#include "tests/lint/sources.h"
#include "tests/support/catch.h"

namespace openexec::lint {
namespace {

struct Sample {
  std::string_view path;
  std::string_view text;
};

TEST_CASE("every include and call keeps to its layer") {
  for (const SourceFile& file : cpp_sources()) {
    for (const std::string& violation : layer_violations(file.path, file.text)) {
      FAIL_CHECK(violation);
    }
  }
  SUCCEED();
}

TEST_CASE("the layer check sees an include against the arrows") {
  const Sample samples[] = {
      {"proto-json/json.cc", "#include \"daemon/core/store.h\"\n"},
      {"proto-json/json.cc", "#include \"json.h\"\n"},
      {"daemon/core/engine.cc", "#include \"daemon/io/listener.h\"\n"},
      {"daemon/core/engine.cc", "#include \"daemon/config.h\"\n"},
      {"daemon/io/listener.cc", "#include \"daemon/config.h\"\n"},
      {"daemon/io/listener.cc", "#include \"tests/support/catch.h\"\n"},
      {"daemon/main.cc", "#include \"client/client.h\"\n"},
      {"client/client.cc", "#include \"daemon/core/engine.h\"\n"},
      {"client/client.cc", "#include \"client/cli/output.h\"\n"},
      {"client/cli/main.cc", "  #  include \"daemon/core/engine.h\"\n"},
      {"elsewhere/main.cc", ""},
  };
  for (const Sample& sample : samples) {
    CAPTURE(sample.path, sample.text);
    CHECK(layer_violations(sample.path, sample.text).size() == 1);
  }
}

TEST_CASE("the layer check sees a library outside its place") {
  const Sample samples[] = {
      {"proto-json/message.cc", "#include <simdjson.h>\n"},
      {"proto-json/pem.cc", "#include <sodium.h>\n"},
      {"client/cli/keygen.cc", "#include <sodium.h>\n"},
      {"daemon/core/claims.cc", "#include <lmdb.h>\n"},
      {"daemon/daemon.cc", "#include <uv.h>\n"},
      {"daemon/core/engine.cc", "#include <uv.h>\n"},
      {"daemon/main.cc", "#include <CLI/CLI.hpp>\n"},
      {"client/client.cc", "#include <CLI/CLI.hpp>\n"},
      {"daemon/main.cc", "#include <toml++/toml.h>\n"},
      {"tests/core/claims_test.cc", "#include <lmdb.h>\n"},
      {"tests/core/claims_test.cc", "#include <catch2/catch.hpp>\n"},
  };
  for (const Sample& sample : samples) {
    CAPTURE(sample.path, sample.text);
    CHECK(layer_violations(sample.path, sample.text).size() == 1);
  }
}

TEST_CASE("the layer check sees a clock, a thread, randomness or I/O in a pure layer") {
  const Sample samples[] = {
      {"proto-json/utc_time.cc", "#include <ctime>\n"},
      {"proto-json/bytes.cc", "#include <sys/stat.h>\n"},
      {"daemon/core/engine.cc", "#include <thread>\n"},
      {"daemon/core/engine.cc", "#include <unistd.h>\n"},
      {"daemon/core/engine.cc", "auto t = std::chrono::system_clock::now();\n"},
      {"daemon/core/engine.cc", "auto t = time(nullptr);\n"},
      {"daemon/core/engine.cc", "auto t = std::time(x);\n"},
      {"daemon/core/engine.cc", "std::jthread worker;\n"},
      {"proto-json/crypto.cc", "randombytes_buf(seed, 32);\n"},
      {"proto-json/crypto.cc", "int x = rand();\n"},
      {"daemon/core/policy.cc", "getenv(\"HOME\");\n"},
  };
  for (const Sample& sample : samples) {
    CAPTURE(sample.path, sample.text);
    CHECK(layer_violations(sample.path, sample.text).size() == 1);
  }
}

TEST_CASE("the layer check lets pass what is allowed") {
  const Sample samples[] = {
      {"proto-json/json.cc", "#include <simdjson.h>\n#include <string>\n#include \"proto-json/json.h\"\n"},
      {"daemon/core/store.cc", "#include <lmdb.h>\n#include <sys/file.h>\n#include \"proto-json/json.h\"\n"},
      {"daemon/io/loop.cc", "#include <uv.h>\n#include <thread>\nauto t = time(nullptr);\n"},
      {"daemon/command_line.cc", "#include <CLI/CLI.hpp>\n#include \"daemon/io/loop.h\"\n"},
      {"daemon/toml_file.cc", "#include <toml++/toml.h>\n"},
      {"client/cli/main.cc", "#include \"client/client.h\"\n#include \"client/cli/output.h\"\n#include <unistd.h>\n"},
      {"daemon/core/engine.cc", "// time(nullptr) is not for us\nlog(\"std::thread\", 1'000, '\"', 'x');\n"},
      {"daemon/core/engine.cc", "/* rand() */ auto x = R\"(getenv)\"; UtcTime time(const Clock& clock);\n"},
  };
  for (const Sample& sample : samples) {
    CAPTURE(sample.path, sample.text);
    CHECK(layer_violations(sample.path, sample.text).empty());
  }
}

}  // namespace
}  // namespace openexec::lint
