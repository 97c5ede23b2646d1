// SPDX-License-Identifier: Apache-2.0
// Each group says what it takes away. EPERM where a program may do without; ENOSYS where it has another way and we
// could not look at the arguments, which stand in memory.
#include "daemon/launch/seccomp_filter.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/ioprio.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

#include "daemon/launch/filter.h"

namespace openexec::launch {
namespace {

// Landlock does not know these changes, and the daemon's own files have the owner that the command has.
void deny_changes_of_attributes(Filter& filter) {
  filter.deny_all(
      {{"chmod"},       {"fchmod"},           {"fchmodat"},         {"fchmodat2", 452},     {"chown"},
       {"chown32"},     {"fchown"},           {"fchown32"},         {"fchownat"},           {"lchown"},
       {"lchown32"},    {"setxattr"},         {"lsetxattr"},        {"fsetxattr"},          {"setxattrat", 463},
       {"removexattr"}, {"lremovexattr"},     {"fremovexattr"},     {"removexattrat", 466}, {"utime"},
       {"utimes"},      {"utimensat"},        {"utimensat_time64"}, {"futimesat"},          {"mknod"},
       {"mknodat"},     {"file_setattr", 469}},
      EPERM);
  for (const unsigned long request : {FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, FS_IOC_SETVERSION}) {
    filter.deny({"ioctl"}, EPERM, {{1, static_cast<std::uint32_t>(request)}});
  }
}

// A set-uid file would give the user that all commands and the daemon share to whoever runs it, outside of any sandbox.
void deny_set_uid_files(Filter& filter) {
  constexpr std::uint32_t unnamed = O_TMPFILE & ~O_DIRECTORY;
  for (const std::uint32_t bit : {S_ISUID, S_ISGID}) {
    for (const std::uint32_t makes : {std::uint32_t{O_CREAT}, unnamed}) {
      filter.deny({"open"}, EPERM, {{1, makes, makes}, {2, bit, bit}});
      filter.deny({"openat"}, EPERM, {{2, makes, makes}, {3, bit, bit}});
    }
    filter.deny({"creat"}, EPERM, {{1, bit, bit}});
    filter.deny({"mkdir"}, EPERM, {{1, bit, bit}});
    filter.deny({"mkdirat"}, EPERM, {{2, bit, bit}});
  }
  filter.deny({"openat2", 437}, ENOSYS);
}

// Access mode 3 opens for ioctl() alone, and Landlock asks for no right. A lease holds up whoever opens the file next.
void deny_opening_for_nothing(Filter& filter) {
  filter.deny({"open"}, EPERM, {{1, O_ACCMODE, O_ACCMODE}});
  filter.deny({"openat"}, EPERM, {{2, O_ACCMODE, O_ACCMODE}});
  for (const Call& call : {Call{"fcntl"}, Call{"fcntl64"}}) {
    filter.deny(call, EPERM, {{1, F_SETLEASE}});
  }
}

// Below ABI 3 Landlock does not know truncation, which also O_TRUNC does, without any right to write.
void deny_truncation(Filter& filter) {
  filter.deny_all({{"truncate"}, {"truncate64"}}, EPERM);
  filter.deny({"open"}, EPERM, {{1, O_RDONLY | O_TRUNC, O_ACCMODE | O_TRUNC}});
  filter.deny({"openat"}, EPERM, {{2, O_RDONLY | O_TRUNC, O_ACCMODE | O_TRUNC}});
}

void deny_other_processes(Filter& filter) {
  filter.deny_all({{"ptrace"},
                   {"process_vm_readv"},
                   {"process_vm_writev"},
                   {"process_madvise", 440},
                   {"process_mrelease", 448},
                   {"pidfd_getfd", 438},
                   {"kcmp"},
                   {"setsid"},
                   {"setpgid"}},
                  EPERM);
  for (const Call& call : {Call{"prlimit64"}, Call{"sched_setaffinity"}, Call{"sched_setscheduler"},
                           Call{"sched_setparam"}, Call{"sched_setattr"}, Call{"migrate_pages"}, Call{"move_pages"}}) {
    filter.deny_unless(call, EPERM, 0, {0});  // itself
  }
  // The command dies with its launcher.
  filter.deny_unless({"prctl"}, EPERM, 1, {SIGKILL}, Argument{0, PR_SET_PDEATHSIG});
  filter.deny_unless({"setpriority"}, EPERM, 0, {PRIO_PROCESS, PRIO_PGRP});
  filter.deny_unless({"setpriority"}, EPERM, 1, {0});
  filter.deny_unless({"ioprio_set"}, EPERM, 0, {IOPRIO_WHO_PROCESS, IOPRIO_WHO_PGRP});
  filter.deny_unless({"ioprio_set"}, EPERM, 1, {0});
  // A signal that a descriptor sends on its owner's behalf.
  for (const std::uint32_t request : {F_SETOWN, F_SETOWN_EX, F_SETSIG}) {
    filter.deny({"fcntl"}, EPERM, {{1, request}});
    filter.deny({"fcntl64"}, EPERM, {{1, request}});
  }
  for (const std::uint32_t request : {FIOSETOWN, SIOCSPGRP}) {
    filter.deny({"ioctl"}, EPERM, {{1, request}});
  }
}

// Below ABI 6 Landlock cannot keep signals within a run: this process may signal itself and its own group.
void deny_signals(Filter& filter) {
  const auto self = static_cast<std::uint32_t>(getpid());
  filter.deny_unless({"kill"}, EPERM, 0, {0, self, ~self + 1});
  filter.deny_unless({"tgkill"}, EPERM, 0, {self});
  filter.deny_all({{"tkill"}, {"rt_sigqueueinfo"}, {"rt_tgsigqueueinfo"}, {"pidfd_send_signal", 424}}, EPERM);
}

void deny_sockets(Filter& filter, const FilterChoices& choices) {
  const std::uint32_t unix_family = choices.unix_sockets ? AF_UNIX : AF_UNSPEC;  // no socket is of the second
  if (choices.network) {
    filter.deny_unless({"socket"}, EAFNOSUPPORT, 0, {AF_INET, AF_INET6, AF_NETLINK, unix_family});
    // The C library asks the kernel for addresses and interfaces this way.
    filter.deny_unless({"socket"}, EAFNOSUPPORT, 2, {NETLINK_ROUTE}, Argument{0, AF_NETLINK});
  } else {
    filter.deny_unless({"socket"}, EAFNOSUPPORT, 0, {unix_family});
  }
  filter.deny_unless({"socketpair"}, EAFNOSUPPORT, 0, {AF_UNIX});
  if (!choices.unix_sockets) {
    // A pair is as good as a pipe. One of datagrams could be connected to another socket afterwards.
    constexpr std::uint32_t stream = SOCK_STREAM;
    constexpr std::uint32_t cloexec = SOCK_CLOEXEC;
    constexpr std::uint32_t nonblock = SOCK_NONBLOCK;
    filter.deny_unless({"socketpair"}, EAFNOSUPPORT, 1,
                       {stream, stream | cloexec, stream | nonblock, stream | cloexec | nonblock});
  }
}

void deny_namespaces_and_mounts(Filter& filter) {
  constexpr std::uint32_t namespaces[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                          CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
#if defined(__s390__) || defined(__CRIS__)
  constexpr unsigned flags_index = 1;
#else
  constexpr unsigned flags_index = 0;
#endif
  for (const std::uint32_t flag : namespaces) {
    filter.deny({"clone"}, EPERM, {{flags_index, flag, flag}});
  }
  filter.deny({"clone3", 435}, ENOSYS);  // the C library then takes clone()
  filter.deny_all({{"unshare"},
                   {"setns"},
                   {"mount"},
                   {"umount"},
                   {"umount2"},
                   {"move_mount", 429},
                   {"open_tree", 428},
                   {"open_tree_attr", 467},
                   {"fsopen", 430},
                   {"fsconfig", 431},
                   {"fsmount", 432},
                   {"fspick", 433},
                   {"mount_setattr", 442},
                   {"pivot_root"},
                   {"chroot"}},
                  EPERM);
}

// What has no filter of its own (io_uring), what outlives a run (System V IPC, message queues, keys), what types into a
// terminal, and what no command needs of the kernel.
void deny_the_rest(Filter& filter) {
  filter.deny_all({{"io_uring_setup", 425}, {"io_uring_enter", 426}, {"io_uring_register", 427}}, EPERM);
  filter.deny_all({{"shmget"},
                   {"shmat"},
                   {"shmctl"},
                   {"semget"},
                   {"semop"},
                   {"semtimedop"},
                   {"semctl"},
                   {"msgget"},
                   {"msgsnd"},
                   {"msgrcv"},
                   {"msgctl"},
                   {"mq_open"},
                   {"mq_unlink"},
                   {"add_key"},
                   {"keyctl"},
                   {"request_key"}},
                  EPERM);
  filter.deny_all({{"bpf"},
                   {"perf_event_open"},
                   {"userfaultfd"},
                   {"kexec_load"},
                   {"kexec_file_load"},
                   {"init_module"},
                   {"finit_module"},
                   {"delete_module"},
                   {"reboot"},
                   {"swapon"},
                   {"swapoff"},
                   {"acct"},
                   {"quotactl"},
                   {"quotactl_fd", 443},
                   {"syslog"},
                   {"name_to_handle_at"},
                   {"open_by_handle_at"},
                   {"fanotify_init"},
                   {"fanotify_mark"},
                   {"iopl"},
                   {"ioperm"},
                   {"modify_ldt"},
                   {"vhangup"},
                   {"lookup_dcookie"},
                   {"nfsservctl"}},
                  EPERM);
  filter.deny_unless({"personality"}, EPERM, 0, {0, 0xffffffff});  // as it is, or to ask
  for (const std::uint32_t request : {TIOCSTI, TIOCLINUX}) {
    filter.deny({"ioctl"}, EPERM, {{1, request}});
  }
}

}  // namespace

Done apply_seccomp(const FilterChoices& choices) {
  Filter filter;
  deny_changes_of_attributes(filter);
  deny_set_uid_files(filter);
  deny_opening_for_nothing(filter);
  deny_other_processes(filter);
  deny_sockets(filter, choices);
  deny_namespaces_and_mounts(filter);
  deny_the_rest(filter);
  if (choices.landlock_abi < 3) {
    deny_truncation(filter);
  }
  if (choices.landlock_abi < 6) {
    deny_signals(filter);
  }
  return filter.load();
}

}  // namespace openexec::launch
