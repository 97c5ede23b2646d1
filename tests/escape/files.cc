// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>

#include "tests/escape/attempts.h"

namespace openexec::escape {
namespace {

// Newer than the headers of older systems.
constexpr long fchmodat2_number = 452;
constexpr long setxattrat_number = 463;
constexpr long removexattrat_number = 466;
constexpr long file_setattr_number = 469;

Result open_and_close(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) {
    return errno;
  }
  close(fd);
  return 0;
}

Result read_a_byte(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::array<char, 1> byte{};
  const Result result = result_of(fd < 0 ? -1 : read(fd, byte.data(), byte.size()));
  close(fd);
  return result;
}

std::string kept(const Scene& scene) { return scene.outside + "/kept"; }

// Through a name in a folder that is the command's own.
Result by_symbolic_link(const Scene& scene) {
  unlink("link");
  return symlink(scene.log_key.c_str(), "link") != 0 ? errno : read_a_byte("link");
}

Result by_hard_link(const Scene& scene) {
  unlink("hard");
  return link(scene.log_key.c_str(), "hard") != 0 ? errno : read_a_byte("hard");
}

Result take_lease(const Scene&) {
  const int fd = open("leased", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const Result result = result_of(fd < 0 ? -1 : fcntl(fd, F_SETLEASE, F_WRLCK));
  close(fd);
  return result;
}

Result rename_out(const Scene& scene) {
  const Result made = open_and_close("made", O_WRONLY | O_CREAT);
  return made != 0 ? made : result_of(rename("made", (scene.outside + "/made").c_str()));
}

Result on_descriptor(const std::string& path, const std::function<long(int)>& change) {
  const int fd = open(path.c_str(), O_PATH | O_CLOEXEC);
  const Result result = result_of(fd < 0 ? -1 : change(fd));
  close(fd);
  return result;
}

Result set_flags(int fd) {
  int flags = 0;
  if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) {
    return errno;
  }
  return result_of(syscall(SYS_ioctl, fd, FS_IOC_SETFLAGS | high_bits, &flags));
}

// Where it may write; what it may do there is its own file's matter, but the flags are nobody's.
Result flags_of_own_file(const Scene&) {
  const int fd = open("flagged", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const Result result = fd < 0 ? errno : set_flags(fd);
  close(fd);
  return result;
}

Result truncate_by_openat2(const Scene& scene) {
  open_how how{};
  how.flags = O_RDONLY | O_TRUNC | O_CLOEXEC;
  return result_of(syscall(SYS_openat2, AT_FDCWD, kept(scene).c_str(), &how, sizeof how));
}

Result set_uid_file(unsigned long flags) {
  const long fd = syscall(SYS_openat, AT_FDCWD, (flags & O_DIRECTORY) != 0 ? "." : "set-uid",
                          O_WRONLY | O_CLOEXEC | flags, S_ISUID | 0700UL);
  const Result result = result_of(fd);
  close(static_cast<int>(fd));
  return result;
}

Result set_uid_file_by_openat2(const Scene&) {
  open_how how{};
  how.flags = O_WRONLY | O_CREAT | O_CLOEXEC;
  how.mode = S_ISUID | 0700;
  return result_of(syscall(SYS_openat2, AT_FDCWD, "set-uid-2", &how, sizeof how));
}

Result set_attribute_at(const Scene& scene) {
  struct {
    std::uint64_t value;
    std::uint32_t size;
    std::uint32_t flags;
  } const arguments = {reinterpret_cast<std::uintptr_t>("1"), 1, 0};
  return result_of(
      syscall(setxattrat_number, AT_FDCWD, kept(scene).c_str(), 0, "user.z", &arguments, sizeof arguments));
}

Result set_flags_at(const Scene& scene) {
  const std::array<std::uint64_t, 3> none{};
  return result_of(syscall(file_setattr_number, AT_FDCWD, kept(scene).c_str(), none.data(), sizeof none, 0));
}

Result execute(const Scene& scene) {
  return in_child([&] {
    std::string name = "program";
    std::array<char*, 2> argv = {name.data(), nullptr};
    execv((scene.outside + "/program").c_str(), argv.data());
    return errno;
  });
}

constexpr auto newer_otherwise = "not every kernel or file system has it";
constexpr auto attributes_otherwise = "not every file system has them";

}  // namespace

std::vector<Attempt> on_files() {
  return {
      {"read the store", [](const Scene& s) { return read_a_byte(s.store); }},
      {"read the log's key", [](const Scene& s) { return read_a_byte(s.log_key); }},
      {"read a credential", [](const Scene& s) { return read_a_byte(s.credential); }},
      {"read it by a symbolic link", by_symbolic_link},
      {"read it by a hard link", by_hard_link},
      {"read it below /proc/self/root", [](const Scene& s) { return read_a_byte("/proc/self/root" + s.log_key); }},
      {"open the log's key for ioctl() alone", [](const Scene& s) { return open_and_close(s.log_key, O_ACCMODE); }},
      {"open it so by a garbled register",
       [](const Scene& s) {
         return result_of(syscall(SYS_openat, AT_FDCWD, s.log_key.c_str(), O_ACCMODE | high_bits));
       }},
      {"take a lease on a file", take_lease},
      {"write into the store", [](const Scene& s) { return open_and_close(s.store, O_WRONLY); }},
      {"make a file outside", [](const Scene& s) { return open_and_close(s.outside + "/new", O_WRONLY | O_CREAT); }},
      {"append to a file outside", [](const Scene& s) { return open_and_close(kept(s), O_WRONLY | O_APPEND); }},
      {"make a folder outside", [](const Scene& s) { return result_of(mkdir((s.outside + "/dir").c_str(), 0700)); }},
      {"move a file out", rename_out},
      {"make a fifo", [](const Scene&) { return result_of(mkfifo("fifo", 0600)); }},
      {"make a node by a garbled register",
       [](const Scene& s) {
         return result_of(
             syscall(SYS_mknodat, AT_FDCWD, (s.outside + "/node").c_str(), S_IFREG | 0600UL | high_bits, 0));
       }},
      {"make a set-uid file", [](const Scene&) { return set_uid_file(O_CREAT); }},
      {"make a set-uid file by a garbled register", [](const Scene&) { return set_uid_file(O_CREAT | high_bits); }},
      {"make a set-uid file without a name", [](const Scene&) { return set_uid_file(O_TMPFILE); },
       "not every file system can"},
      {"make a set-uid file by openat2()", set_uid_file_by_openat2},
      {"make a set-gid folder", [](const Scene&) { return result_of(mkdir("set-gid", S_ISGID | 0700)); }},
      {"run a program from outside", execute},
      {"remove a file outside", [](const Scene& s) { return result_of(unlink((s.outside + "/program").c_str())); }},
  };
}

std::vector<Attempt> on_attributes() {
  return {
      {"truncate()", [](const Scene& s) { return result_of(truncate(kept(s).c_str(), 0)); }},
      {"truncate by O_RDONLY", [](const Scene& s) { return open_and_close(kept(s), O_RDONLY | O_TRUNC); }},
      {"truncate by access mode 3", [](const Scene& s) { return open_and_close(kept(s), O_ACCMODE | O_TRUNC); }},
      {"truncate by a garbled register",
       [](const Scene& s) {
         return result_of(syscall(SYS_openat, AT_FDCWD, kept(s).c_str(), O_RDONLY | O_TRUNC | high_bits));
       }},
      {"truncate by openat2()", truncate_by_openat2},
      {"chmod()", [](const Scene& s) { return result_of(chmod(kept(s).c_str(), 0666)); }},
      {"chmod() of the log's key", [](const Scene& s) { return result_of(chmod(s.log_key.c_str(), 0644)); }},
      {"fchmodat()", [](const Scene& s) { return result_of(fchmodat(AT_FDCWD, kept(s).c_str(), 0666, 0)); }},
      {"fchmodat2()",
       [](const Scene& s) { return result_of(syscall(fchmodat2_number, AT_FDCWD, kept(s).c_str(), 0666, 0)); }},
      {"chown()", [](const Scene& s) { return result_of(chown(kept(s).c_str(), getuid(), getgid())); }},
      {"setxattr()", [](const Scene& s) { return result_of(setxattr(kept(s).c_str(), "user.x", "1", 1, 0)); },
       attributes_otherwise},
      {"removexattr()", [](const Scene& s) { return result_of(removexattr(kept(s).c_str(), "user.x")); },
       attributes_otherwise},
      {"setxattrat()", set_attribute_at, newer_otherwise},
      {"removexattrat()",
       [](const Scene& s) { return result_of(syscall(removexattrat_number, AT_FDCWD, kept(s).c_str(), 0, "user.z")); },
       newer_otherwise},
      {"file_setattr()", set_flags_at, newer_otherwise},
      {"utimensat()", [](const Scene& s) { return result_of(utimensat(AT_FDCWD, kept(s).c_str(), nullptr, 0)); }},
      {"fchownat() on a path's descriptor",
       [](const Scene& s) {
         return on_descriptor(kept(s), [](int fd) { return fchownat(fd, "", getuid(), getgid(), AT_EMPTY_PATH); });
       }},
      {"set a file's flags by a garbled register", flags_of_own_file},
  };
}

}  // namespace openexec::escape
