// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.h"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>
#include <variant>

#include "daemon/command_parts.h"
#include "daemon/config.h"
#include "daemon/config_report.h"
#include "daemon/core/engine.h"
#include "daemon/core/receipt_log.h"
#include "daemon/core/service.h"
#include "daemon/io/action_runner.h"
#include "daemon/io/agent_server.h"
#include "daemon/io/command_runner.h"
#include "daemon/io/committer_thread.h"
#include "daemon/io/file_limit.h"
#include "daemon/io/log_line.h"
#include "daemon/io/notify.h"
#include "daemon/io/signature_workers.h"
#include "daemon/io/socket_activation.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/thread_runner.h"
#include "proto-json/check.h"
#include "proto-json/crypto.h"

namespace openexec {
namespace {

constexpr int exit_stopped = 0;
constexpr int exit_unfinished = 1;
constexpr int exit_refused = 2;

constexpr int large_buffer_bytes = 128 * 1024;

int refuse(const std::string& message) {
  log_line(LogLevel::error, "openexecd: " + message);
  return exit_refused;
}

// A store that may be run, and what its log is written with.
struct OpenLog {
  std::unique_ptr<Store> store;
  LogWriting writing;
};

// The objects of a running daemon, in the order they need each other.
class Daemon {
 public:
  Daemon(Config config, Registry registry, Notifier notifier, std::unique_ptr<Loop> loop)
      : config_(std::move(config)), registry_(std::move(registry)), notifier_(notifier), loop_(std::move(loop)) {}

  std::expected<void, std::string> start(OpenLog log, ListeningSocket socket, CommandParts commands);
  int run();

 private:
  void tell_started();
  void store_failed(const StoreError& error);
  void stop();
  void stop_now(std::string_view why);
  void part_stopped();

  const Config config_;
  const Registry registry_;
  const Notifier notifier_;
  const SystemClock clock_;
  const std::unique_ptr<Loop> loop_;
  LoopTurn turn_{*loop_};
  Timer stop_deadline_{*loop_};
  Timer store_retry_{*loop_};
  Timer tick_{*loop_};
  ThreadRunner functions_{*loop_};
  std::unique_ptr<CommandRunner> commands_;  // where there are any
  std::unique_ptr<ActionRunner> runner_;
  SignatureWorkers verifier_{*loop_, turn_, config_.keyring};
  std::unique_ptr<CommitterThread> committer_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<AgentServer> server_;
  int parts_running_ = 2;  // engine and server
  bool stopping_ = false;
};

std::expected<void, std::string> Daemon::start(OpenLog log, ListeningSocket socket, CommandParts commands) {
  auto committer =
      CommitterThread::start(*loop_, turn_, clock_, config_.commit_rules, std::move(log.store), std::move(log.writing),
                             [this](const StoreError& error) { store_failed(error); });
  if (!committer.has_value()) {
    return std::unexpected(committer.error());
  }
  committer_ = *std::move(committer);
  if (commands.launcher) {
    commands_ = std::make_unique<CommandRunner>(*loop_, std::move(commands.launcher), std::move(commands.settings),
                                                config_.resources);
    commands_->sweep();
  }
  runner_ = std::make_unique<ActionRunner>(functions_, commands_.get());
  engine_ =
      std::make_unique<Engine>(clock_, verifier_, *committer_, *runner_, registry_, config_.keyring, config_.policy);
  service_ = std::make_unique<Service>(clock_, *engine_, *committer_, registry_, config_.policy, config_.warnings,
                                       config_.commit_rules.warn_percent, std::move(commands.sandbox));
  server_ = std::make_unique<AgentServer>(*loop_, turn_, std::move(socket), config_.connection, config_.connections_max,
                                          [this](const Caller& caller, Request request, Respond respond) {
                                            service_->handle(caller, std::move(request), std::move(respond));
                                          });
  if (commands_) {
    server_->refuse_peers([this](pid_t pid) { return commands_->may_be_of_a_run(pid); });
  }
  return {};
}

int Daemon::run() {
  const SignalWatcher terminate(*loop_, SIGTERM, [this] { stop(); });
  const SignalWatcher interrupt(*loop_, SIGINT, [this] { stop(); });
  tell_started();
  tick_.start(limits::tick_ms, limits::tick_ms, [this] { engine_->tick(); });
  loop_->run();
  return exit_stopped;
}

void Daemon::tell_started() {
  const std::string what = describe(config_, registry_);
  log_line(LogLevel::info, fmt::format("openexecd {}  {}   socket {}", version, what, server_->path()));
  if (config_.policy.mode == Mode::demo) {
    log_line(LogLevel::info, R"(try:  openexec execute echo '{"msg":"hello"}')");
  }
  notifier_.send(fmt::format("READY=1\nSTATUS={}, serving {}", what, server_->path()));
}

void Daemon::store_failed(const StoreError& error) {
  if (store_retry_.active()) {
    return;  // told already
  }
  log_line(
      LogLevel::error,
      fmt::format("openexecd: the store failed: {}; nothing new is claimed until it is open again", error.message));
  store_retry_.start(limits::store_retry_ms, limits::store_retry_ms, [this] {
    if (engine_->store_failed()) {
      engine_->retry_recovery();
    } else {
      store_retry_.stop();
      log_line(LogLevel::info, "openexecd: the store is open again");
    }
  });
}

void Daemon::stop() {
  if (std::exchange(stopping_, true)) {
    stop_now("a second signal");
  }
  notifier_.send("STOPPING=1\nSTATUS=finishing what runs");
  stop_deadline_.start(static_cast<std::uint64_t>(limits::stop_deadline_s) * 1000, 0,
                       [this] { stop_now("the deadline"); });
  server_->stop([this] { part_stopped(); });
  engine_->stop([this] { part_stopped(); });
}

void Daemon::part_stopped() {
  parts_running_ -= 1;
  if (parts_running_ == 0) {
    loop_->stop();
  }
}

// What still runs is left: its claim stays open, and the next start records its outcome as unknown.
void Daemon::stop_now(std::string_view why) {
  log_line(LogLevel::warning, fmt::format("openexecd: stopped by {}, unfinished: runs {}, connections {}", why,
                                          engine_->running(), server_->connection_count()));
  std::_Exit(exit_unfinished);
}

StoreResult<std::optional<std::string>> bound_key(const Store& store) {
  const auto txn = store.read();
  return txn ? log_key(*txn) : std::unexpected(txn.error());
}

// What takes this store over, with whatever differs from what it assumes.
std::string adopt_command(const Config& config) {
  std::string out = "openexec store adopt " + config.store.dir;
  if (config.high_water_path != HighWaterFile::path_beside(config.store.dir)) {
    out += " --high-water " + config.high_water_path;
  }
  return config.log_key.is_ours ? out
                                : out + " --log-key-file NEW.KEY  (then put that key in the place of the old one)";
}

std::uint64_t random_number() {
  std::uint64_t number = 0;
  OPENEXEC_CHECK(getrandom(&number, sizeof number, 0) == sizeof number);
  return number;
}

// Opens the store and its log: the key that signs it, the mark that it must not be behind, and what the last daemon
// left open. The store's own name of its log goes into the configuration.
std::expected<OpenLog, std::string> open_log(Config& config) {
  if (auto made = ensure_private_dir(config.store.dir, config.make_state_dir); !made.has_value()) {
    return std::unexpected(made.error());
  }
  config.store.key_salt = random_number();
  auto store = Store::open(config.store);
  if (!store.has_value()) {
    return std::unexpected(store.error());
  }
  config.policy.origin = (*store)->origin();  // a store keeps the name of its log
  const auto bound = bound_key(**store);
  if (!bound.has_value()) {
    return std::unexpected(fmt::format("cannot read the store {}: {}", config.store.dir, bound.error().message));
  }
  auto signer = open_log_key(config.log_key, config.policy.origin, *bound, adopt_command(config));
  if (!signer.has_value()) {
    return std::unexpected(signer.error());
  }
  config.policy.log_key = signer->key();
  auto mark = HighWaterFile::open(config.high_water_path);
  if (!mark.has_value()) {
    return std::unexpected(mark.error());
  }
  LogWriting writing{*std::move(signer), *std::move(mark), adopt_command(config)};
  const auto recovered = recover_marked(**store, writing, SystemClock().now(), {});
  if (!recovered.has_value()) {
    return std::unexpected(recovered.error().message);
  }
  if (recovered->closed > 0) {
    log_line(LogLevel::warning,
             fmt::format("openexecd: {} still ran when the last daemon ended; recorded as outcome unknown",
                         recovered->closed == 1 ? "1 execution" : fmt::format("{} executions", recovered->closed)));
  }
  return OpenLog{*std::move(store), std::move(writing)};
}

// Everything that can refuse a start comes before anything is made, as far as it can be known by looking.
int start_and_run(Config config, Registry registry) {
  const Notifier notifier = Notifier::from_environment();
  auto inherited = take_inherited_socket();
  if (!inherited.has_value()) {
    return refuse(inherited.error());
  }
  if (!inherited->has_value()) {
    if (const auto free = probe_socket_path(config.socket); !free.has_value()) {
      return refuse(free.error());
    }
  }
  auto loop = Loop::open();
  if (!loop.has_value()) {
    return refuse(loop.error());
  }
  auto commands = prepare_commands(config);
  if (!commands.has_value()) {
    return refuse(commands.error());
  }
  for (const std::string& missing : commands->launcher ? commands->sandbox.missing : std::vector<std::string>()) {
    log_line(LogLevel::warning, "openexecd: the sandbox of commands: " + missing);
  }
  for (const std::string& warning : config.command_warnings) {
    log_line(LogLevel::warning, "openexecd: " + warning);
  }
  const std::size_t of_commands =
      config.resources.empty() ? 0 : config.resources.size() + config.policy.runs_max * limits::open_files_per_run;
  if (const std::size_t fit = fit_open_files(config.connections_max, of_commands); fit < config.connections_max) {
    config.warnings.push_back(fmt::format("the limit of open files allows {} connections, not {}; raise LimitNOFILE",
                                          fit, config.connections_max));
    config.connections_max = fit;
  }

  auto log = open_log(config);
  if (!log.has_value()) {
    return refuse(log.error());
  }

  auto socket = inherited->has_value() ? std::expected<ListeningSocket, std::string>(**std::move(inherited))
                                       : ListeningSocket::bind(config.socket);
  if (!socket.has_value()) {
    return refuse(socket.error());
  }
  Daemon daemon(std::move(config), std::move(registry), notifier, *std::move(loop));
  if (const auto started = daemon.start(*std::move(log), *std::move(socket), *std::move(commands));
      !started.has_value()) {
    return refuse(started.error());
  }
  return daemon.run();
}

}  // namespace

int run_daemon(int argc, char** argv, Registry registry) {
  mallopt(M_ARENA_MAX, 2);                        // a heap for the loop and one for the other threads
  mallopt(M_MMAP_THRESHOLD, large_buffer_bytes);  // fixed: what a large request took goes back to the system
  prctl(PR_SET_DUMPABLE, 0);
  umask(077);
  std::signal(SIGPIPE, SIG_IGN);
  init_crypto();

  const auto command_line = parse_command_line(argc, argv);
  if (const auto* print = std::get_if<PrintAndExit>(&command_line)) {
    std::fputs(print->text.c_str(), stdout);
    return exit_stopped;
  }
  if (const auto* error = std::get_if<UsageError>(&command_line)) {
    return refuse(error->message);
  }
  const CommandLine& flags = std::get<CommandLine>(command_line);
  auto config = load_config(flags, Surroundings::of_this_process(), registry);
  if (!config.has_value()) {
    return refuse(config.error());
  }
  if (flags.check) {
    std::fputs(check_report(*config, registry).c_str(), stdout);
    return exit_stopped;
  }
  return start_and_run(*std::move(config), std::move(registry));
}

}  // namespace openexec
