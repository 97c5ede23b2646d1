// SPDX-License-Identifier: Apache-2.0
// The approver's side of `openexec`: keys and approvals.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "proto-json/approval.h"
#include "proto-json/canonical.h"
#include "proto-json/pem.h"
#include "tests/integration/cli_support.h"
#include "tests/support/catch.h"
#include "tests/support/openexecd.h"
#include "tests/support/temp_dir.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

constexpr const char* payload = R"({"msg":"hello"})";

// A folder with the key pair "ops" in it.
class ApproverDir {
 public:
  ApproverDir() { REQUIRE(run_here({"keygen", "ops"}).exit_code == 0); }

  [[nodiscard]] Completed run_here(Arguments arguments, std::string stdin_text = {}) const {
    return cli(std::move(arguments), {.stdin_text = std::move(stdin_text), .directory = dir_.path().string()});
  }
  [[nodiscard]] Completed approve(const Arguments& more) const { return run_here(approve_arguments(more)); }
  static Arguments approve_arguments(const Arguments& more) {
    Arguments arguments{"approve", "--action", "echo", "--payload", payload, "--key", "ops.pem"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  [[nodiscard]] fs::path operator/(std::string_view name) const { return dir_ / name; }
  [[nodiscard]] std::string path() const { return dir_.path().string(); }

 private:
  TempDir dir_;
};

unsigned mode_of(const fs::path& path) {
  struct stat facts{};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  return facts.st_mode & 07777U;
}

const Arguments signing{"--tenant", "acme", "--yes"};

TEST_CASE("keygen writes a key pair that others cannot read and OpenSSL can", "[integration]") {
  const ApproverDir dir;
  CHECK(mode_of(dir / "ops.pem") == 0600);
  const Completed by_openssl = run({.argv = {"/usr/bin/openssl", "pkey", "-in", dir / "ops.pem", "-pubout"}});
  CHECK(by_openssl.exit_code == 0);
  CHECK(by_openssl.out == read_file(dir / "ops.pub"));

  const Completed made = dir.run_here({"keygen", "second"});
  const auto key = read_public_key_pem(read_file(dir / "second.pub"));
  REQUIRE(key);
  CHECK(string_member(document(made), "key_id") == key_id(*key));
  CHECK(read_file(dir / "second.pub") != read_file(dir / "ops.pub"));

  const Completed human = dir.run_here({"keygen", "third", "--format", "human"});
  CHECK(contains(human.out, "CLAWSHIELD_PUBLIC_KEY=" + (dir / "third.pub").string()));  // what to do next
}

TEST_CASE("keygen never writes over a file", "[integration]") {
  const ApproverDir dir;
  const std::string before = read_file(dir / "ops.pem");
  const Completed again = dir.run_here({"keygen", "ops"});
  CHECK(again.exit_code == 1);
  CHECK(again.out.empty());
  CHECK(contains(again.err, "ops.pem is already there"));
  CHECK(read_file(dir / "ops.pem") == before);

  std::ofstream(dir / "half.pub") << "mine";
  CHECK(dir.run_here({"keygen", "half"}).exit_code == 1);
  CHECK(read_file(dir / "half.pub") == "mine");
  CHECK_FALSE(fs::exists(dir / "half.pem"));  // no secret key without its public one

  fs::create_symlink(dir / "elsewhere.pem", dir / "link.pem");
  CHECK(dir.run_here({"keygen", "link"}).exit_code == 1);
  CHECK_FALSE(fs::exists(dir / "elsewhere.pem"));
  CHECK(dir.run_here({"keygen", "no/such/folder"}).exit_code == 1);
}

TEST_CASE("an approval from approve runs its request once, and no other", "[integration]") {
  const ApproverDir dir;
  DaemonOptions options = demo_daemon();
  options.env = {"OPENEXEC_MODE=clawshield", "CLAWSHIELD_TENANT_ID=acme",
                 "CLAWSHIELD_PUBLIC_KEY=" + (dir / "ops.pub").string()};
  const TestDaemon daemon(options);
  const std::string approval = (dir / "a.json").string();
  REQUIRE(dir.approve({"--tenant", "acme", "--yes", "--out", approval}).exit_code == 0);
  const auto execute = [&](const std::string& with_payload, const std::string& nonce, const std::string& by = "") {
    return cli({"execute", "echo", with_payload, "--nonce", nonce, "--approval", by.empty() ? approval : by},
               {.socket = daemon.socket(), .stdin_text = by.empty() ? "" : read_file(approval)});
  };
  const auto reason = [](const Completed& completed) {
    CHECK(completed.exit_code == 1);
    return string_member(member(document(completed), "data"), "reason");
  };
  CHECK(reason(execute(R"({"msg":"other"})", "n1")) == "approval_mismatch");
  CHECK(execute(payload, "n1").exit_code == 0);
  CHECK(bool_member(document(execute(payload, "n1", "-")), "replayed"));  // from standard input
  CHECK(reason(execute(payload, "n2")) == "approval_used");
  CHECK(reason(execute(R"({"msg":"other"})", "n1")) == "nonce_reused");
}

TEST_CASE("an approval is exactly the six members, for the terms that were asked for", "[integration]") {
  const ApproverDir dir;
  const Completed completed = dir.approve({"--tenant", "acme", "--yes", "--lifetime", "90s"});
  REQUIRE(completed.exit_code == 0);
  const Json artifact = document(completed);
  Arguments names;
  for (const Member& member : *artifact.if_object()) {
    names.push_back(member.key);
  }
  CHECK(names == Arguments{"action_hash", "approval_id", "expires_at", "issued_at", "signature", "tenant_id"});
  const auto approval = read_clawshield_approval(artifact);
  REQUIRE(approval);
  CHECK(approval->tenant_id == "acme");
  CHECK(approval->expires.us - approval->issued.us == 90 * us_per_s);
  const auto key = read_public_key_pem(read_file(dir / "ops.pub"));
  REQUIRE(key);
  REQUIRE(approval->signature);
  CHECK(verify_signature(*key, bytes_of(approval->signed_message()), *approval->signature));
  CHECK(document(dir.approve(signing)) != document(dir.approve(signing)));  // a new id each time

  CHECK(contains(completed.err, "action     echo\n"));
  CHECK(contains(completed.err, std::string("payload    ") + payload + "\n"));
  CHECK(contains(completed.err, "tenant     acme\n"));
  CHECK(contains(completed.err, "valid      90 seconds, until "));
}

TEST_CASE("the tenant may come from the environment, and without one nothing is signed", "[integration]") {
  const ApproverDir dir;
  const Arguments arguments = ApproverDir::approve_arguments({"--yes"});
  const Completed named = cli(arguments, {.env = {"CLAWSHIELD_TENANT_ID=from-env"}, .directory = dir.path()});
  CHECK(string_member(document(named), "tenant_id") == "from-env");
  const Completed nameless = cli(arguments, {.directory = dir.path()});
  CHECK(nameless.exit_code == 2);
  CHECK(nameless.out.empty());
  CHECK(contains(nameless.err, "--tenant"));
}

TEST_CASE("approve refuses a key that others can read", "[integration]") {
  const ApproverDir dir;
  const auto others = GENERATE(fs::perms::group_read, fs::perms::others_read, fs::perms::group_write);
  fs::permissions(dir / "ops.pem", others, fs::perm_options::add);
  const Completed completed = dir.approve(signing);
  CHECK(completed.exit_code == 1);
  CHECK(completed.out.empty());
  CHECK(contains(completed.err, "chmod 600 ops.pem"));
}

TEST_CASE("approve refuses what is no key, no request or no term", "[integration]") {
  const ApproverDir dir;
  const auto refused = [&dir](const Arguments& arguments, int code) {
    CAPTURE(arguments);
    const Completed completed = dir.run_here(arguments);
    CHECK(completed.exit_code == code);
    CHECK(completed.out.empty());
    CHECK(completed.err.starts_with("openexec: "));
  };
  const auto with = [](const std::string& option, const std::string& value) {
    Arguments arguments = ApproverDir::approve_arguments(signing);
    const auto at = std::find(arguments.begin(), arguments.end(), option);
    if (at == arguments.end()) {
      arguments.insert(arguments.end(), {option, value});
    } else {
      *(at + 1) = value;
    }
    return arguments;
  };
  refused(with("--key", "ops.pub"), 1);  // readable by others, as it must be
  refused(with("--key", "missing.pem"), 1);
  refused(with("--key", "."), 1);
  refused(with("--payload", "[]"), 1);
  refused(with("--payload", "{"), 1);
  refused(with("--lifetime", "9000h"), 2);  // over any daemon's maximum
  refused(with("--lifetime", "999ms"), 2);
  refused(with("--lifetime", "5"), 2);
  refused(with("--action", "not an action"), 2);
  refused(with("--tenant", std::string(129, 't')), 2);
  fs::copy_file(dir / "ops.pub", dir / "public.pem");
  fs::permissions(dir / "public.pem", fs::perms::owner_read);
  refused(with("--key", "public.pem"), 1);
  refused(with("--out", "ops.pub"), 1);
  CHECK(read_public_key_pem(read_file(dir / "ops.pub")));  // not written over
}

TEST_CASE("without a terminal approve signs only when told to", "[integration]") {
  const ApproverDir dir;
  const Completed completed = dir.run_here(ApproverDir::approve_arguments({"--tenant", "acme"}), "y\n");
  CHECK(completed.exit_code == 2);
  CHECK(completed.out.empty());
  CHECK(contains(completed.err, "--yes"));
}

TEST_CASE("on a terminal approve shows the request, asks, and signs only after a yes", "[integration]") {
  const ApproverDir dir;
  struct Case {
    std::string typed;
    bool signs;
  };
  const auto answer = GENERATE(values<Case>(
      {{"y\n", true}, {"yes\n", true}, {"n\n", false}, {"\n", false}, {"yeah\n", false}, {"\x04", false}}));
  CAPTURE(answer.typed);
  const Arguments arguments = ApproverDir::approve_arguments({"--tenant", "acme", "--out", "a.json"});
  Process process(cli_process(arguments, {.directory = dir.path(), .terminal = true}));
  process.wait_for_output("Sign? [y/N]");
  CHECK(contains(process.out(), std::string("payload    ") + payload));
  CHECK_FALSE(fs::exists(dir / "a.json"));
  process.type(answer.typed);
  CHECK(process.wait().code == (answer.signs ? 0 : 1));
  CHECK(fs::exists(dir / "a.json") == answer.signs);
}

TEST_CASE("a yes that was typed before the question was shown signs nothing", "[integration]") {
  const ApproverDir dir;
  Arguments arguments = ApproverDir::approve_arguments({"--tenant", "acme", "--out", "a.json"});
  *(std::find(arguments.begin(), arguments.end(), "--payload") + 1) = "-";
  Process process(cli_process(arguments, {.directory = dir.path(), .terminal = true}));
  process.type("{}\n\x04y\n");  // the payload, its end, and the early yes: in the queue before the question
  process.wait_for_output("Sign? [y/N]");
  process.type("\n");
  CHECK(process.wait().code == 1);
  CHECK_FALSE(fs::exists(dir / "a.json"));
}

TEST_CASE("approve shows what it signs in ASCII, so that nothing hides or commands the terminal", "[integration]") {
  const ApproverDir dir;
  // A Cyrillic letter that looks like an a, a right-to-left override, and an escape.
  const Completed completed = dir.run_here({"approve", "--action", "echo", "--payload",
                                            "{\"p\xd0\xb0y\":\"\xe2\x80\xae\\u001b[2J\"}", "--tenant",
                                            "\xd0\xb0"
                                            "cme",
                                            "--key", "ops.pem", "--yes"});
  REQUIRE(completed.exit_code == 0);
  CHECK(contains(completed.err, R"(payload    {"p\u0430y":"\u202e\u001b[2J"})"));
  CHECK(contains(completed.err, "tenant     \\u0430cme\n"));
  CHECK(string_member(document(completed), "tenant_id") ==
        "\xd0\xb0"
        "cme");
}

}  // namespace
}  // namespace openexec::test
