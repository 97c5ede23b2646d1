// SPDX-License-Identifier: Apache-2.0
#include "daemon/launch/filter.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstddef>
#include <string>
#include <utility>

namespace openexec::launch {
namespace {

constexpr Call oldest_common_call = {.name = "pidfd_send_signal", .number = 424};

// Some architectures count from elsewhere than 0.
int number_base() { return seccomp_syscall_resolve_name(oldest_common_call.name) - oldest_common_call.number; }

// Where the lower half of an argument stands in what a filter sees.
std::uint32_t offset_of_argument(unsigned index) {
  const std::size_t half = std::endian::native == std::endian::big ? sizeof(std::uint32_t) : 0;
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + (index * sizeof(std::uint64_t)) + half);
}

sock_filter load_word(std::uint32_t offset) { return {BPF_LD | BPF_W | BPF_ABS, 0, 0, offset}; }

sock_filter answer(std::uint32_t action) { return {BPF_RET | BPF_K, 0, 0, action}; }

// Skips so many steps when the loaded word is that value, or is not.
sock_filter skip_if(std::uint32_t value, std::size_t steps) {
  return {BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint8_t>(steps), 0, value};
}
sock_filter skip_unless(std::uint32_t value, std::size_t steps) {
  return {BPF_JMP | BPF_JEQ | BPF_K, 0, static_cast<std::uint8_t>(steps), value};
}

}  // namespace

Filter::Filter() : context_(seccomp_init(SCMP_ACT_ALLOW)) {
  if (context_ == nullptr) {
    failed_ = failure("cannot begin a seccomp filter", ENOMEM);
    return;
  }
  const std::array<std::pair<scmp_filter_attr, std::uint32_t>, 3> attributes = {{
      {SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS},  // other architectures and x32 have other numbers
      {SCMP_FLTATR_CTL_NNP, 0},                          // it is set
      {SCMP_FLTATR_CTL_OPTIMIZE, 2},                     // a binary tree
  }};
  for (const auto& [attribute, value] : attributes) {
    if (const int error = seccomp_attr_set(context_.get(), attribute, value); error != 0 && failed_.has_value()) {
      failed_ = failure("cannot set up a seccomp filter", -error);
    }
  }
}

std::optional<int> Filter::number_of(const Call& call) {
  int number = seccomp_syscall_resolve_name(call.name);
  if (number == __NR_SCMP_ERROR && call.number != 0) {
    number = number_base() + call.number;
  }
  if (number == __NR_SCMP_ERROR && failed_.has_value()) {
    failed_ = failure(std::string("cannot bar the system call ") + call.name, ENOSYS);
  }
  return number < 0 ? std::nullopt : std::optional(number);
}

void Filter::deny(const Call& call, int error, std::initializer_list<Argument> arguments) {
  const auto number = number_of(call);
  if (!number.has_value() || !failed_.has_value()) {
    return;
  }
  std::vector<scmp_arg_cmp> comparisons;
  for (const Argument& argument : arguments) {
    comparisons.push_back({argument.index, SCMP_CMP_MASKED_EQ, argument.mask, argument.value & argument.mask});
  }
  const int result = seccomp_rule_add_array(context_.get(), SCMP_ACT_ERRNO(static_cast<unsigned>(error)), *number,
                                            static_cast<unsigned>(comparisons.size()), comparisons.data());
  if (result != 0) {
    failed_ = failure(std::string("cannot bar the system call ") + call.name, -result);
  }
}

void Filter::deny_all(std::initializer_list<Call> calls, int error) {
  for (const Call& call : calls) {
    deny(call, error);
  }
}

void Filter::deny_unless(const Call& call, int error, unsigned index, std::initializer_list<std::uint32_t> values,
                         std::optional<Argument> only_if) {
  const auto number = number_of(call);
  if (!number.has_value()) {
    // Several calls in one, with the arguments in memory, as sockets have it on i386, ppc64 and s390x.
    if (failed_.has_value()) {
      failed_ =
          failure(std::string("this architecture does not show the arguments of the system call ") + call.name, ENOSYS);
    }
    return;
  }
  // Every skip leads behind the last of these steps.
  std::vector<sock_filter> steps = {answer(SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error))};
  for (const std::uint32_t value : values) {
    steps.insert(steps.begin(), skip_if(value, steps.size()));
  }
  steps.insert(steps.begin(), load_word(offset_of_argument(index)));
  if (only_if.has_value()) {
    steps.insert(steps.begin(), skip_unless(only_if->value, steps.size()));
    steps.insert(steps.begin(), load_word(offset_of_argument(only_if->index)));
  }
  steps.insert(steps.begin(), skip_unless(static_cast<std::uint32_t>(*number), steps.size()));
  steps.insert(steps.begin(), load_word(offsetof(seccomp_data, nr)));
  by_hand_.insert(by_hand_.end(), steps.begin(), steps.end());
}

Done Filter::load_by_hand() {
  const auto last = static_cast<std::uint32_t>(number_base()) + known_syscalls_max;
  by_hand_.push_back(load_word(offsetof(seccomp_data, nr)));
  by_hand_.push_back({BPF_JMP | BPF_JGT | BPF_K, 0, 1, last});
  by_hand_.push_back(answer(SECCOMP_RET_ERRNO | ENOSYS));
  by_hand_.push_back(answer(SECCOMP_RET_ALLOW));
  const sock_fprog program = {static_cast<std::uint16_t>(by_hand_.size()), by_hand_.data()};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
    return failure("cannot load a seccomp filter");
  }
  return {};
}

Done Filter::load() {
  if (!failed_.has_value()) {
    return failed_;
  }
  if (Done done = load_by_hand(); !done.has_value()) {
    return done;
  }
  if (const int error = seccomp_load(context_.get()); error != 0) {
    return failure("cannot load the seccomp filter", -error);
  }
  return {};
}

}  // namespace openexec::launch
