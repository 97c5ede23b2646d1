// SPDX-License-Identifier: Apache-2.0
// The terminal of the person who runs this, wherever standard input and output go.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "client/cli/file.h"

namespace openexec::cli {

class Terminal {
 public:
  Terminal();
  [[nodiscard]] bool is_there() const { return static_cast<bool>(tty_); }

  // True for a "y" or "yes" that was typed after the question was shown; false for anything else.
  [[nodiscard]] bool confirms(std::string_view shown, std::string_view question) const;

 private:
  [[nodiscard]] bool write(std::string_view text) const;
  [[nodiscard]] std::string line() const;

  File tty_;
};

// A line on standard error that is rewritten as work goes on, where that is a terminal; nothing elsewhere.
class ProgressLine {
 public:
  ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  // "entries      123,456 of 1,000,000".
  void show(std::string_view what, std::uint64_t done, std::uint64_t of);
  void clear();

 private:
  bool is_terminal_;
  bool is_shown_ = false;
};

}  // namespace openexec::cli
