// SPDX-License-Identifier: Apache-2.0
// Random values of every kind, for properties. The same seed gives the same values everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "proto-json/json.h"

namespace openexec {

class RandomJson {
 public:
  explicit RandomJson(std::uint64_t seed) : engine_(seed) {}

  // A number below `bound`.
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  // Any finite double, each bit pattern as likely as the other.
  double number();
  // UTF-8, of characters that encoders get wrong.
  std::string text(std::size_t characters_max);
  // A value of at most that many levels of arrays and objects.
  Json value(std::size_t depth);

 private:
  std::mt19937_64 engine_;
};

}  // namespace openexec
