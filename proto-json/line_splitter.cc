// SPDX-License-Identifier: Apache-2.0
#include "proto-json/line_splitter.h"

#include "proto-json/limits.h"

namespace openexec {
namespace {

std::string_view without_carriage_return(std::string_view line) {
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t") == std::string_view::npos; }

}  // namespace

void LineSplitter::feed(std::string_view bytes) {
  if (!overflowed_) {
    buffer_ += bytes;
  }
}

std::optional<std::string_view> LineSplitter::next() {
  while (!overflowed_) {
    const std::string_view buffer = buffer_;
    const std::size_t end = buffer.find('\n', scanned_);
    const bool complete = end != std::string_view::npos;
    const std::size_t stop = complete ? end : buffer.size();
    // An incomplete line that ends in "\r" may be about to end.
    const std::string_view line = without_carriage_return(buffer.substr(consumed_, stop - consumed_));
    if (line.size() > line_bytes_max_) {
      overflow();
      break;
    }
    if (!complete) {
      scanned_ = stop;
      compact();
      break;
    }
    consumed_ = end + 1;
    scanned_ = consumed_;
    if (!is_blank(line)) {
      return line;
    }
  }
  return std::nullopt;
}

void LineSplitter::overflow() {
  overflowed_ = true;
  buffer_.clear();
  buffer_.shrink_to_fit();
  consumed_ = 0;
  scanned_ = 0;
}

void LineSplitter::compact() {
  buffer_.erase(0, consumed_);
  scanned_ -= consumed_;
  consumed_ = 0;
  if (buffer_.capacity() > limits::line_buffer_keep_bytes_max && buffer_.size() <= limits::line_buffer_keep_bytes_max) {
    buffer_.shrink_to_fit();
  }
}

}  // namespace openexec
