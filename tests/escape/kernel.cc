// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/io_uring.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>

#include "tests/escape/attempts.h"

namespace openexec::escape {
namespace {

constexpr auto not_everywhere = "not every system allows it";
constexpr long first_unknown_call = 470;  // after the last one that the sandbox was written with knowledge of

Result ring() {
  io_uring_params parameters{};
  const long fd = syscall(SYS_io_uring_setup, 1, &parameters);
  const Result result = result_of(fd);
  close(static_cast<int>(fd));
  return result;
}

Result clone_into(unsigned long flags) {
  const long pid = syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (pid == 0) {
    _exit(0);
  }
  return result_of(pid);
}

// The argument stands in memory, where no filter sees it.
Result clone3_into(std::uint64_t flags) {
  std::array<std::uint64_t, 8> arguments = {flags, 0, 0, 0, SIGCHLD};
  const long pid = syscall(SYS_clone3, arguments.data(), sizeof arguments);
  if (pid == 0) {
    _exit(0);
  }
  return result_of(pid);
}

Result share_memory() {
  const int id = shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
  const Result result = result_of(id);
  if (id >= 0) {
    shmctl(id, IPC_RMID, nullptr);
  }
  return result;
}

Result queue_messages() {
  const mqd_t queue = mq_open("/openexec-escape", O_RDWR | O_CREAT, 0600, nullptr);
  const Result result = result_of(queue);
  if (queue >= 0) {
    mq_close(queue);
    mq_unlink("/openexec-escape");
  }
  return result;
}

Result keep_key() {
  constexpr int process_keyring = -2;
  return result_of(syscall(SYS_add_key, "user", "openexec-escape", "x", 1, process_keyring));
}

#if defined(__x86_64__)
// Both reach calls whose numbers the filter does not have.
Result call_as_x32() {
  constexpr long x32_bit = 0x40000000;
  return in_child([] { return result_of(syscall(x32_bit | SYS_getppid)); });
}

Result call_as_32_bits() {
  return in_child([] {
    constexpr long getppid_number = 64;
    long result = getppid_number;
    asm volatile("int $0x80" : "+a"(result) : : "memory");
    return result > 0 ? 0 : static_cast<int>(-result);
  });
}
#endif

}  // namespace

std::vector<Attempt> on_kernel() {
  return {
      {"io_uring_setup()", [](const Scene&) { return ring(); }, not_everywhere},
      {"unshare() the user", [](const Scene&) { return in_child([] { return result_of(unshare(CLONE_NEWUSER)); }); },
       not_everywhere},
      {"clone() with a new user", [](const Scene&) { return clone_into(CLONE_NEWUSER); }, not_everywhere},
      {"clone() by a garbled register", [](const Scene&) { return clone_into(CLONE_NEWUSER | high_bits); },
       not_everywhere},
      {"clone3()", [](const Scene&) { return clone3_into(0); }},
      {"setns()", [](const Scene&) { return result_of(setns(0, CLONE_NEWUSER)); },
       "the descriptor is of something else"},
      {"mount()", [](const Scene&) { return result_of(mount("none", "/tmp", "tmpfs", 0, nullptr)); },
       "it needs CAP_SYS_ADMIN"},
      {"System V shared memory", [](const Scene&) { return share_memory(); }},
      {"a message queue", [](const Scene&) { return queue_messages(); }, not_everywhere},
      {"a key in a keyring", [](const Scene&) { return keep_key(); }, not_everywhere},
      {"personality()",
       [](const Scene&) { return in_child([] { return result_of(personality(ADDR_NO_RANDOMIZE)); }); }},
      {"userfaultfd()", [](const Scene&) { return result_of(syscall(SYS_userfaultfd, O_CLOEXEC | 1)); },
       not_everywhere},
      {"a call of a newer kernel", [](const Scene&) { return result_of(syscall(first_unknown_call, 0, 0, 0, 0)); },
       "this kernel may not have it"},
#if defined(__x86_64__)
      {"a call as x32 has it", [](const Scene&) { return call_as_x32(); }, not_everywhere},
      {"a call of 32-bit programs", [](const Scene&) { return call_as_32_bits(); }, not_everywhere},
#endif
  };
}

}  // namespace openexec::escape
