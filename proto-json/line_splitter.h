// SPDX-License-Identifier: Apache-2.0
// Bytes to lines: "\n" or "\r\n" ends a line; a line of only spaces and tabs is skipped; a line that grows past the
// bound is an error after which nothing more is read. Bytes after the last line end are never given out.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace openexec {

class LineSplitter {
 public:
  explicit LineSplitter(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  // Takes the next bytes of the stream. Call next() until it gives nothing before feeding more.
  void feed(std::string_view bytes);

  // The next line without its end, valid until the next call of feed() or next(). Nothing when none is complete.
  std::optional<std::string_view> next();

  // A line is longer than the bound (its end not counted): the stream cannot be read any further.
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  // Bytes held that are not yet a whole line.
  [[nodiscard]] std::size_t held_bytes() const { return buffer_.size() - consumed_; }

 private:
  void overflow();
  // Lets go of the lines given out, and of a buffer that a long line made large.
  void compact();

  std::size_t line_bytes_max_;
  std::string buffer_;
  std::size_t consumed_ = 0;  // lines given out end here
  std::size_t scanned_ = 0;   // no line end between consumed_ and here
  bool overflowed_ = false;
};

}  // namespace openexec
