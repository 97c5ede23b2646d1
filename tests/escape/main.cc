// SPDX-License-Identifier: Apache-2.0
//   openexec-escape attempts NAME=VALUE...   makes every attempt on that scene, and prints
//   "RESULT<tab>ATTEMPT<tab>OTHERWISE" openexec-escape wait            is the neighbour: prints "PID ADDRESS" and waits
//   to be killed openexec-escape outlive         tries to be there when its time is over, printing the number of each
//   of its processes
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/escape/attempts.h"

namespace openexec::escape {
namespace {

std::string name_of(Result result) {
  if (result == 0) {
    return "through";
  }
  if (result >= killed_by) {
    return "SIG" + std::string(sigabbrev_np(result - killed_by));
  }
  const char* name = strerrorname_np(result);
  return name != nullptr ? name : std::to_string(result);
}

template <typename Number>
Number number_of(const std::string& text) {
  Number out{};
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

Scene scene_of(const std::vector<std::string>& arguments) {
  std::map<std::string, std::string> given;
  for (const std::string& argument : arguments) {
    const std::size_t equals = argument.find('=');
    given[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  return {.store = given.at("store"),
          .log_key = given.at("log_key"),
          .credential = given.at("credential"),
          .outside = given.at("outside"),
          .agent = given.at("agent"),
          .stream = given.at("stream"),
          .datagram = given.at("datagram"),
          .abstract = given.at("abstract"),
          .daemon = number_of<pid_t>(given.at("daemon")),
          .neighbour = number_of<pid_t>(given.at("neighbour")),
          .memory = number_of<std::uint64_t>(given.at("memory"))};
}

int make_attempts(const Scene& scene) {
  for (const auto& attempts : {on_sockets(), on_memory(), on_processes(), on_kernel(), on_files(), on_attributes()}) {
    for (const Attempt& attempt : attempts) {
      std::printf("%s\t%s\t%s\n", name_of(attempt.run(scene)).c_str(), attempt.name.c_str(), attempt.otherwise.c_str());
      std::fflush(stdout);
    }
  }
  return 0;
}

[[noreturn]] void be_neighbour() {
  static std::uint64_t memory = 42;
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);  // where Yama lets only parents trace
  std::printf("%d %llu\n", getpid(), static_cast<unsigned long long>(reinterpret_cast<std::uintptr_t>(&memory)));
  std::fflush(stdout);
  for (;;) {
    pause();
  }
}

[[noreturn]] void stay() {
  for (int number = 1; number < NSIG; ++number) {
    static_cast<void>(std::signal(number, SIG_IGN));
  }
  std::printf("%d\n", getpid());
  std::fflush(stdout);
  for (;;) {
    pause();
  }
}

// A child, and an orphan that tries for a session of its own.
[[noreturn]] void outlive() {
  if (fork() == 0) {
    stay();
  }
  if (fork() == 0) {
    if (fork() == 0) {
      static_cast<void>(setsid());
      stay();
    }
    _exit(0);
  }
  stay();
}

}  // namespace
}  // namespace openexec::escape

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments == std::vector<std::string>{"wait"}) {
    openexec::escape::be_neighbour();
  }
  if (arguments == std::vector<std::string>{"outlive"}) {
    openexec::escape::outlive();
  }
  if (!arguments.empty() && arguments.front() == "attempts") {
    return openexec::escape::make_attempts(openexec::escape::scene_of(arguments));
  }
  std::fputs("usage: openexec-escape attempts NAME=VALUE... | wait | outlive\n", stderr);
  return 2;
}
