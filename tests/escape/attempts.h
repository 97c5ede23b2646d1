// SPDX-License-Identifier: Apache-2.0
// What a command tries in order to get out of its sandbox. Each attempt does one thing that the user whose command it
// is could do outside of one, so that the same program without a sandbox shows that it is the sandbox that stops it.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace openexec::escape {

// What there is to get at: all of it the command's own user's.
struct Scene {
  std::string store;       // data.mdb
  std::string log_key;     // a file
  std::string credential;  // a file
  std::string outside;     // a folder, with a file `kept` in it and a program `program`
  std::string agent;       // the daemon's socket
  std::string stream;      // another stream socket that listens
  std::string datagram;    // a datagram socket
  std::string abstract;    // the name of an abstract stream socket that listens
  pid_t daemon = -1;
  pid_t neighbour = -1;      // another process, which lets itself be traced
  std::uint64_t memory = 0;  // an address in it
};

// 0: it went through. Else the errno that stopped it, or 1000 and the signal that killed who tried.
using Result = int;
inline constexpr int killed_by = 1000;

struct Attempt {
  std::string name;
  std::function<Result(const Scene&)> run;
  std::string otherwise{};  // what may stop it outside of a sandbox as well
};

// What fills the upper half of a register where the kernel takes 32 bits: a filter that looks there is fooled.
inline constexpr unsigned long high_bits = 0xdead'beef'0000'0000;
inline unsigned long garbled(std::int64_t value) { return static_cast<std::uint32_t>(value) | high_bits; }

// The errno of a call that returned -1; 0 when it returned anything else.
inline Result result_of(long returned) { return returned == -1 ? errno : 0; }

// In a child of its own, for what changes or ends a process.
Result in_child(const std::function<Result()>& run);

std::vector<Attempt> on_files();
std::vector<Attempt> on_attributes();
std::vector<Attempt> on_memory();
std::vector<Attempt> on_processes();
std::vector<Attempt> on_sockets();
std::vector<Attempt> on_kernel();

}  // namespace openexec::escape
