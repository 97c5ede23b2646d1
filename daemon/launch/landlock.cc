// SPDX-License-Identifier: Apache-2.0
#include "daemon/launch/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <sstream>
#include <utility>
#include <vector>

#include "daemon/io/unique_fd.h"

namespace openexec::launch {
namespace {

// From uapi/linux/landlock.h. Our own, since the headers of Debian 12 end at ABI 2.
using Access = std::uint64_t;
constexpr Access execute = 1U << 0;
constexpr Access write_file = 1U << 1;
constexpr Access read_file = 1U << 2;
constexpr Access read_dir = 1U << 3;
constexpr Access remove_dir = 1U << 4;
constexpr Access remove_file = 1U << 5;
constexpr Access make_dir = 1U << 7;
constexpr Access make_reg = 1U << 8;
constexpr Access make_sock = 1U << 9;
constexpr Access make_sym = 1U << 12;
constexpr Access refer = 1U << 13;      // ABI 2
constexpr Access truncate = 1U << 14;   // ABI 3
constexpr Access ioctl_dev = 1U << 15;  // ABI 5
constexpr Access all_of_abi_1 = (1U << 13) - 1;

constexpr Access net_tcp = 3;  // ABI 4: bind and connect

constexpr Access scope_abstract_unix = 1U << 0;  // ABI 6
constexpr Access scope_signal = 1U << 1;

struct RulesetAttributes {
  Access handled_access_fs = 0;
  Access handled_access_net = 0;
  Access scoped = 0;
};

struct [[gnu::packed]] PathBeneath {
  Access allowed_access = 0;
  std::int32_t parent_fd = -1;
};

constexpr int rule_path_beneath = 1;

// What a rule about something that is no folder may say.
constexpr Access of_files = execute | write_file | read_file | truncate | ioctl_dev;

// Fifos and device nodes are in neither: a fifo in a folder that others read holds up whoever opens it.
constexpr Access to_read = execute | read_file | read_dir;
constexpr Access to_write =
    read_file | read_dir | write_file | truncate | make_reg | make_dir | make_sym | remove_file | remove_dir | refer;

Access handled_files(int abi) {
  return all_of_abi_1 | (abi >= 2 ? refer : 0) | (abi >= 3 ? truncate : 0) | (abi >= 5 ? ioctl_dev : 0);
}

RulesetAttributes attributes_of(const Plan& plan, int abi) {
  RulesetAttributes out;
  out.handled_access_fs = handled_files(abi);
  if (abi >= 4 && !plan.network) {
    out.handled_access_net = net_tcp;
  }
  if (abi >= 6) {
    out.scoped = scope_signal | (plan.unix_sockets ? 0 : scope_abstract_unix);
  }
  return out;
}

// An older kernel takes no attributes that it does not know.
std::size_t size_of_attributes(int abi) {
  if (abi < 4) {
    return sizeof(Access);
  }
  return abi < 6 ? 2 * sizeof(Access) : 3 * sizeof(Access);
}

// The path as it stands, over no symbolic link. Part by part: openat2(), which could do it at once, is not to be had
// where a service manager filters it (systemd: RestrictSUIDSGID=).
UniqueFd open_path(const std::string& path) {
  UniqueFd fd(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::istringstream parts(path);
  for (std::string part; fd && std::getline(parts, part, '/');) {
    if (part.empty()) {
      continue;
    }
    fd = UniqueFd(openat(fd.get(), part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status{};
    if (fd && fstat(fd.get(), &status) == 0 && S_ISLNK(status.st_mode)) {
      fd.reset();
      errno = ELOOP;
    }
  }
  return fd;
}

// After the first failure nothing more is done, and enforce() says what it was.
class Ruleset {
 public:
  Ruleset(UniqueFd fd, Access handled) : fd_(std::move(fd)), handled_(handled) {}

  void allow(int target, Access access, const std::string& name) {
    struct stat status{};
    if (fstat(target, &status) != 0) {
      fail("cannot look at " + name);
      return;
    }
    PathBeneath rule;
    rule.allowed_access = access & handled_ & (S_ISDIR(status.st_mode) ? ~Access{0} : of_files);
    rule.parent_fd = target;
    // EBADFD: it is under no path (a sealed copy in memory), and so nothing that Landlock holds back.
    if (syscall(SYS_landlock_add_rule, fd_.get(), rule_path_beneath, &rule, 0) != 0 && errno != EBADFD) {
      fail("cannot open the sandbox for " + name);
    }
  }

  void allow(const std::string& path, Access access) {
    if (const UniqueFd target = open_path(path); target) {
      allow(target.get(), access, path);
    } else {
      fail("cannot open the sandbox for " + path + (errno == ELOOP ? " (there is a symbolic link in it)" : ""));
    }
  }

  void allow(const std::vector<std::string>& paths, Access access) {
    for (const std::string& path : paths) {
      allow(path, access);
    }
  }

  [[nodiscard]] Done enforce() const {
    if (failed_.has_value() && syscall(SYS_landlock_restrict_self, fd_.get(), 0) != 0) {
      return failure("cannot enforce Landlock");
    }
    return failed_;
  }

 private:
  void fail(const std::string& what) {
    if (failed_.has_value()) {
      failed_ = failure(what);
    }
  }

  UniqueFd fd_;
  Access handled_;
  Done failed_;
};

}  // namespace

Done apply_landlock(const Plan& plan, int temp_dir, int abi) {
  const RulesetAttributes attributes = attributes_of(plan, abi);
  UniqueFd fd(static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, size_of_attributes(abi), 0)));
  if (!fd) {
    return failure("cannot make a Landlock ruleset");
  }
  Ruleset ruleset(std::move(fd), attributes.handled_access_fs);
  const Access writing = to_write | (plan.unix_sockets ? make_sock : 0);
  for (const char* device : {"/dev/null", "/dev/zero", "/dev/urandom"}) {
    ruleset.allow(std::string(device), read_file | write_file);
  }
  ruleset.allow(executable_fd, execute | read_file, "the executable");
  ruleset.allow(temp_dir, writing, "the temporary folder");
  ruleset.allow(plan.read, to_read);
  ruleset.allow(plan.write, writing);
  return ruleset.enforce();
}

}  // namespace openexec::launch
