// SPDX-License-Identifier: Apache-2.0
// A seccomp filter under construction: what is not denied is allowed.
#pragma once

#include <linux/filter.h>
#include <seccomp.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/launch/failure.h"

namespace openexec::launch {

// The last system call that the rules were written with knowledge of (Linux 6.17: file_setattr). What a newer kernel
// has beyond it is answered with ENOSYS.
inline constexpr unsigned known_syscalls_max = 469;

// A system call by its name, and by its number where all architectures have the same (424 and later): for a libseccomp
// that does not know the name yet.
struct Call {
  const char* name;
  int number = 0;
};

// Those arguments of a call that have these values. The kernel takes most arguments as 32 bits, whatever stands in the
// upper half of the register, so comparisons look at the lower half alone.
struct Argument {
  unsigned index;
  std::uint32_t value;
  std::uint32_t mask = 0xffffffff;
};

// After the first failure nothing more is done, and load() says what it was.
class Filter {
 public:
  Filter();

  void deny(const Call& call, int error, std::initializer_list<Argument> arguments = {});
  void deny_all(std::initializer_list<Call> calls, int error);
  // Where that argument is none of those values. `only_if` narrows it. Fails on an architecture that has no such call.
  void deny_unless(const Call& call, int error, unsigned index, std::initializer_list<std::uint32_t> values,
                   std::optional<Argument> only_if = std::nullopt);
  Done load();

 private:
  struct Release {
    void operator()(void* context) const { seccomp_release(context); }
  };

  // The call's number here; nothing when this architecture has no such call.
  std::optional<int> number_of(const Call& call);
  Done load_by_hand();

  std::unique_ptr<void, Release> context_;
  // A program of its own for what libseccomp cannot say, or only in thousands of steps: "none of these values", and
  // "any call after the last known one". The kernel runs both and takes the stricter answer.
  std::vector<sock_filter> by_hand_;
  Done failed_;
};

}  // namespace openexec::launch
