// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "proto-json/limits.h"

namespace openexec {

struct ConnectionLimits {
  std::size_t line_bytes_max = limits::line_bytes_max;
  std::size_t in_flight_max = limits::in_flight_per_connection;
  std::size_t unsent_bytes_max = limits::unsent_bytes_max;
};

}  // namespace openexec
