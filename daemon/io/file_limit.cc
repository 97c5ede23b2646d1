// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/file_limit.h"

#include <sys/resource.h>

#include <algorithm>

#include "proto-json/limits.h"

namespace openexec {

std::size_t fit_open_files(std::size_t connections, std::size_t others) {
  const std::size_t reserve = limits::open_files_reserve + others;
  const rlim_t wanted = connections + reserve;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 1;
  }
  if (limit.rlim_cur < wanted) {
    rlimit raised = {wanted, std::max(wanted, limit.rlim_max)};  // the hard limit too, where we may
    if (setrlimit(RLIMIT_NOFILE, &raised) != 0) {
      raised = {std::min(wanted, limit.rlim_max), limit.rlim_max};
      static_cast<void>(setrlimit(RLIMIT_NOFILE, &raised));
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
      return 1;
    }
  }
  if (limit.rlim_cur >= wanted) {
    return connections;
  }
  return limit.rlim_cur > reserve ? limit.rlim_cur - reserve : 1;
}

}  // namespace openexec
