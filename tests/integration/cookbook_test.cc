// SPDX-License-Identifier: Apache-2.0
// The definitions of docs/actions.md, run by a real daemon: they do what the document says, and refuse what they
// should.
#include "tests/integration/cookbook.h"

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "proto-json/canonical.h"
#include "tests/integration/cli_support.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

Json payload_of(std::string_view name, const Json& value) { return Json::object({{std::string(name), value}}); }

const std::string& output_of(const Json& result) { return string_member(result, "stdout"); }

// What must end well for the test to go on.
std::string run_tool(std::vector<std::string> argv) {
  const std::string name = argv[0] + " " + argv[1];
  const Completed done = run({.argv = std::move(argv), .env = {"LANG=C", "GIT_CONFIG_GLOBAL=/dev/null"}});
  INFO(name << ": " << done.out << done.err);
  REQUIRE(done.exit_code == 0);
  return done.out;
}

// --- a unit restart ---

TEST_CASE("cookbook: a unit that is listed is restarted, with an approval, and no other", "[integration]") {
  const Cookbook book(GENERATE(as<int>{}, debian_12_landlock_abi, 0));
  // echo shows the command line that systemctl would have got.
  book.define("service.restart", {{"/usr/bin/systemctl", "/usr/bin/echo"}});
  const TestDaemon daemon(book.with_config(clawshield_daemon()));
  AgentSocket socket(daemon.socket());
  const Approver approver = Approver::trusted();
  const Json web = payload_of("unit", "web.service");

  CHECK(execute(socket, "service.restart", web, "1").reason() == "approval_required");
  const Answer answer = execute(socket, "service.restart", web, "2", approver.approve("service.restart", web));
  CHECK(string_member(answer.result(), "status") == "executed");
  CHECK(output_of(member(answer.result(), "result")) == "--no-ask-password restart -- web.service\n");

  int nonce = 2;
  for (const Json& unit : std::vector<Json>{"ssh.service", "--force", "web.service; reboot", "web.service\n",
                                            "$(reboot)", "", nullptr, 7, Json(Json::Array{"web.service"})}) {
    const Json payload = payload_of("unit", unit);
    INFO(to_compact(payload));
    CHECK(execute(socket, "service.restart", payload, std::to_string(++nonce),
                  approver.approve("service.restart", payload))
              .reason() == "payload_invalid");
  }
  const Json more = parsed(R"({"unit":"web.service","verb":"stop"})");
  CHECK(execute(socket, "service.restart", more, "more", approver.approve("service.restart", more)).reason() ==
        "payload_invalid");
}

// --- a git pull ---

// A mirror, two checkouts of it, and somebody who commits.
class Repositories {
 public:
  explicit Repositories(const Cookbook& book) : srv_(book.path("srv")) {
    fs::create_directories(srv_ / "checkouts");
    fs::create_directories(srv_ / "git");
    git({"init", "--quiet", "--initial-branch=main", author()});
    commit("one");
    git({"clone", "--quiet", "--bare", author(), mirror()});
    git({"-C", author(), "remote", "add", "origin", mirror()});
    for (const char* const name : {"site", "docs"}) {
      git({"clone", "--quiet", mirror(), checkout(name)});
    }
  }

  // A new version in the mirror.
  void publish(const std::string& text) {
    commit(text);
    git({"-C", author(), "push", "--quiet", "origin", "main"});
  }
  static std::string git(std::vector<std::string> arguments) {
    std::vector<std::string> argv = {"/usr/bin/git", "-c", "user.name=a", "-c", "user.email=a@b"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run_tool(std::move(argv));
  }
  [[nodiscard]] std::string checkout(const std::string& name) const { return srv_ / "checkouts" / name; }
  [[nodiscard]] std::string page(const std::string& name) const { return read_file(fs::path(checkout(name)) / "page"); }

 private:
  [[nodiscard]] std::string author() const { return srv_ / "author"; }
  [[nodiscard]] std::string mirror() const { return srv_ / "git" / "site.git"; }
  void commit(const std::string& text) {
    write_file(srv_ / "author" / "page", text);
    git({"-C", author(), "add", "page"});
    git({"-C", author(), "commit", "--quiet", "--message", text});
  }

  fs::path srv_;
};

// Makes the repository's own configuration name a program that leaves a mark, wherever git would run it.
void plant_programs(const std::string& checkout, const fs::path& mark) {
  const fs::path script = fs::path(checkout) / ".git" / "planted.sh";
  write_file(script, "#!/bin/sh\ntouch '" + mark.string() + "'\n");
  fs::permissions(script, fs::perms::owner_all);
  for (const char* const hook : {"post-merge", "post-checkout", "reference-transaction", "post-index-change"}) {
    fs::copy_file(script, fs::path(checkout) / ".git" / "hooks" / hook, fs::copy_options::overwrite_existing);
  }
  for (const char* const key : {"core.fsmonitor", "core.sshCommand", "credential.helper", "core.askPass"}) {
    Repositories::git({"-C", checkout, "config", key, script});
  }
}

TEST_CASE("cookbook: a git pull fast-forwards a listed checkout, and runs nothing that the repository names",
          "[integration]") {
  if (!has_program("/usr/bin/git", "git")) {
    return;
  }
  const Cookbook book(GENERATE(as<int>{}, debian_12_landlock_abi, 0));
  book.define("git.pull", {{"/srv/", book.path("srv/")}});
  Repositories repositories(book);
  ActionDaemon actions("git.pull", book.with_config(demo_daemon()));
  const auto pull = [&](const std::string& name) { return payload_of("repository", repositories.checkout(name)); };

  const fs::path mark = fs::path(repositories.checkout("site")) / "mark";
  plant_programs(repositories.checkout("site"), mark);
  repositories.publish("two");
  fs::remove(mark);
  actions.run(pull("site"));
  CHECK(repositories.page("site") == "two");
  CHECK_FALSE(fs::exists(mark));

  // Without what the definition says, they do run: this test can fail.
  repositories.publish("three");
  Repositories::git({"-C", repositories.checkout("site"), "pull", "--quiet", "--ff-only", "origin", "main"});
  CHECK(fs::exists(mark));

  // A checkout with a commit of its own stays as it is.
  const std::string docs = repositories.checkout("docs");
  Repositories::git({"-C", docs, "commit", "--quiet", "--allow-empty", "--message", "own"});
  const std::string head = Repositories::git({"-C", docs, "rev-parse", "HEAD"});
  actions.run(pull("docs"), "failed");
  CHECK(Repositories::git({"-C", docs, "rev-parse", "HEAD"}) == head);

  actions.refuses({payload_of("repository", book.path("srv/author")), payload_of("repository", "--upload-pack=touch x"),
                   payload_of("repository", repositories.checkout("site") + "/../site"),
                   payload_of("repository", "ext::sh -c touch%20x"), Json::object({})});
}

// --- a file publish ---

TEST_CASE("cookbook: a finished document is copied over the published one, which keeps its mode", "[integration]") {
  const Cookbook book(GENERATE(as<int>{}, debian_12_landlock_abi, 0));
  book.define("site.publish", {{"/srv/", book.path("srv/")}});
  fs::create_directories(book.path("srv/drafts"));
  fs::create_directories(book.path("srv/www/site"));
  const fs::path published = book.path("srv/www/site/index.html");
  write_file(book.path("srv/drafts/index.html"), "<p>new</p>\n");
  write_file(published, "<p>old, and longer than the new one</p>\n");
  fs::permissions(published, fs::perms(0644));
  fs::create_symlink("/etc/passwd", book.path("srv/drafts/prices.html"));
  ActionDaemon actions("site.publish", book.with_config(demo_daemon()));
  const auto publish = [&](const std::string& name) { return payload_of("document", book.path("srv/drafts/" + name)); };

  actions.run(publish("index.html"));
  CHECK(read_file(published) == "<p>new</p>\n");
  CHECK(fs::status(published).permissions() == fs::perms(0644));

  // A link out of the drafts leads nowhere.
  CHECK(contains(string_member(actions.run(publish("prices.html"), "failed"), "stderr"), "Permission denied"));
  CHECK_FALSE(fs::exists(book.path("srv/www/site/prices.html")));

  actions.refuses({payload_of("document", "/etc/passwd"), publish("other.html"), publish("../drafts/index.html"),
                   payload_of("document", "--suffix=x"), payload_of("document", "*")});
}

// --- an HTTP call ---

// Answers each request with what it got, and with how many command lines on this host hold the token.
constexpr const char* http_server = R"(
import glob, http.server, json
def command_line(path):
    try:
        return open(path, "rb").read()
    except OSError:  # it has just ended
        return b""
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        token = self.headers["Authorization"]
        lines = [command_line(path) for path in glob.glob("/proc/[0-9]*/cmdline")]
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        answer = json.dumps({"token": token, "body": body, "path": self.path, "type": self.headers["Content-Type"],
                             "seen": sum(token.split()[1].encode() in line for line in lines)}).encode()
        self.send_response(403 if "forbid me" in body else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *arguments):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
)";

class HttpServer {
 public:
  HttpServer() : process_({.argv = {"/usr/bin/python3", "-I", "-c", http_server}}) {
    const auto until = std::chrono::steady_clock::now() + generous_deadline;
    while (!contains(process_.out(), "\n")) {
      REQUIRE((!process_.ended() && std::chrono::steady_clock::now() < until));
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const std::string line = process_.out();
    port_ = line.substr(0, line.find('\n'));
  }
  [[nodiscard]] std::string url(std::string_view path) const { return "http://127.0.0.1:" + port_ + std::string(path); }

 private:
  Process process_;
  std::string port_;
};

constexpr std::string_view token = "a-token-of-31-bytes-for-testing";

// The definition that calls this server.
std::vector<Replacement> calls(const HttpServer& server) {
  return {{"https://deploy.example/hooks/version", server.url("/hooks/version")}, {"--proto =https", "--proto =http"}};
}

DaemonOptions with_token(const Cookbook& book, DaemonOptions options) {
  fs::create_directory(book.path("credentials"));
  write_file(book.path("credentials/deploy-token"), std::string(token) + "\n");
  fs::permissions(book.path("credentials/deploy-token"), fs::perms::owner_read);
  options.env.push_back("CREDENTIALS_DIRECTORY=" + book.path("credentials"));
  return options;
}

TEST_CASE("cookbook: an HTTP call brings the payload and the token, which is on no command line and in no record",
          "[integration]") {
  if (!has_program("/usr/bin/curl", "curl") || !has_program("/usr/bin/python3", "python3")) {
    return;
  }
  const Cookbook book(GENERATE(as<int>{}, debian_12_landlock_abi, 0));
  const HttpServer server;
  book.define("deploy.notify", calls(server));
  ActionDaemon actions("deploy.notify", with_token(book, book.with_config(demo_daemon())));

  const Json payload = parsed(R"({"version":"1.2.3","note":"$(id) `id` ; rm -rf / \"'\n@/etc/passwd --next \\"})");
  const Json answer = member(actions.run(payload), "stdout");
  CHECK(string_member(answer, "body") == to_compact(payload));
  CHECK(string_member(answer, "path") == "/hooks/version");
  CHECK(string_member(answer, "type") == "application/json");
  CHECK(string_member(answer, "token") == "Bearer [redacted]");
  CHECK(number_member(answer, "seen") == 0);

  // Another status than 200 is another exit code of curl's, and what came is still there.
  const Json refused = actions.run(parsed(R"({"version":"1.2.3","note":"forbid me"})"), "failed");
  CHECK(number_member(refused, "exit_code") == 22);

  for (const Json& receipt : log_of(actions.socket())) {
    CHECK_FALSE(contains(to_compact(receipt), token));
  }
  actions.refuses({parsed(R"({"version":"1.2.3; id"})"), parsed(R"({"version":"1.2.3\n"})"),
                   parsed(R"({"version":"--next"})"), parsed(R"({"version":"1.2.3","url":"http://127.0.0.1/"})"),
                   parsed(R"({"note":"no version"})")});
}

TEST_CASE("cookbook: without `network = true` the same call reaches nobody", "[integration]") {
  if (!has_program("/usr/bin/curl", "curl") || !has_program("/usr/bin/python3", "python3")) {
    return;
  }
  const Cookbook book(GENERATE(as<int>{}, debian_12_landlock_abi, 0));
  const HttpServer server;
  std::vector<Replacement> replacements = calls(server);
  replacements.push_back({"network = true", "network = false"});
  book.define("deploy.notify", replacements);
  ActionDaemon actions("deploy.notify", with_token(book, book.with_config(demo_daemon())));
  CHECK(output_of(actions.run(parsed(R"({"version":"1.2.3"})"), "failed")).empty());
}

// --- a Python script ---

TEST_CASE("cookbook: a Python script reads the payload and gives JSON", "[integration]") {
  if (!has_program("/usr/bin/python3", "python3")) {
    return;
  }
  const Cookbook book(GENERATE(as<int>{}, debian_12_landlock_abi, 0));
  fs::create_directory(book.path("scripts"));
  book.write_shown("/usr/local/libexec/openexec/order_total.py", "scripts/order_total.py");
  book.define("order.total", {{"/usr/local/libexec/openexec/", book.path("scripts/")},
                              {"[sandbox]\n", "[sandbox]\nread = [\"/usr\", \"" + book.path("scripts") + "\"]\n"}});
  ActionDaemon actions("order.total", book.with_config(demo_daemon()));

  const Json result = actions.run(
      parsed(R"({"lines":[{"name":"$(id) x","cents":250,"count":2},{"name":"--tea","cents":99.0,"count":1}]})"));
  CHECK(to_compact(member(result, "stdout")) == R"({"cents":599,"lines":2})");
  actions.refuses({parsed(R"({"lines":[{"name":"x","cents":-1,"count":1}]})"),
                   parsed(R"({"lines":[{"name":"x","cents":1}]})"),
                   parsed(R"({"lines":[{"name":"x","cents":1,"count":1,"free":true}]})"), parsed(R"({"lines":"x"})"),
                   parsed(R"({"lines":["x"]})"), Json::object({})});
}

}  // namespace
}  // namespace openexec::test
