// SPDX-License-Identifier: Apache-2.0
#include "proto-json/utc_time.h"

#include <chrono>

#include "proto-json/check.h"

namespace openexec {
namespace {

using std::chrono::day;
using std::chrono::days;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr std::int64_t us_per_day = 24 * 60 * 60 * us_per_s;
constexpr UtcTime first_time = {sys_days{year{1} / 1 / 1}.time_since_epoch().count() * us_per_day};
constexpr UtcTime end_of_time = {sys_days{year{10000} / 1 / 1}.time_since_epoch().count() * us_per_day};

bool is_in_range(UtcTime time) { return time >= first_time && time < end_of_time; }

struct Fields {
  year_month_day date;
  std::int64_t second_of_day;
  std::int64_t fraction_us;
};

Fields fields_of(UtcTime time) {
  OPENEXEC_CHECK(is_in_range(time));
  const std::int64_t since_first = time.us - first_time.us;
  const std::int64_t in_day = since_first % us_per_day;
  const auto date = sys_days{year{1} / 1 / 1} + days{since_first / us_per_day};
  return {year_month_day{date}, in_day / us_per_s, in_day % us_per_s};
}

// The last so many decimal digits.
void append_digits(std::string& out, std::size_t digits, std::int64_t value) {
  out.append(digits, '0');
  for (std::size_t at = out.size(); digits > 0; --digits, value /= 10) {
    out[--at] = static_cast<char>('0' + value % 10);
  }
}

void append_number(std::string& out, char before, std::size_t digits, std::int64_t value) {
  out += before;
  append_digits(out, digits, value);
}

// Digit by digit: every receipt has a time or two.
std::string to_seconds_text(const Fields& fields) {
  const std::int64_t second = fields.second_of_day;
  std::string out;
  out.reserve(sizeof "2026-11-21T12:00:00.000000Z");
  append_digits(out, 4, static_cast<int>(fields.date.year()));
  append_number(out, '-', 2, static_cast<unsigned>(fields.date.month()));
  append_number(out, '-', 2, static_cast<unsigned>(fields.date.day()));
  append_number(out, 'T', 2, second / 3600);
  append_number(out, ':', 2, second / 60 % 60);
  append_number(out, ':', 2, second % 60);
  return out;
}

// Reads a text from left to right. Once something did not fit, everything after it is refused too.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool skip(char c) {
    if (rest_.empty() || rest_.front() != c) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) { good_ = skip(c) && good_; }

  // Exactly that many decimal digits, of a value within the bounds.
  unsigned number(unsigned digits, unsigned min, unsigned max) {
    unsigned value = 0;
    for (unsigned i = 0; i < digits; ++i) {
      value = value * 10 + digit();
    }
    good_ = good_ && value >= min && value <= max;
    return value;
  }

  // 1 to 6 digits after the point, as microseconds.
  unsigned fraction() {
    unsigned value = digit();
    unsigned digits = 1;
    while (digits < 6 && at_digit()) {
      value = value * 10 + digit();
      ++digits;
    }
    for (; digits < 6; ++digits) {
      value *= 10;
    }
    return value;
  }

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  [[nodiscard]] bool at_digit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }
  unsigned digit() {
    if (!at_digit()) {
      good_ = false;
      return 0;
    }
    const auto value = static_cast<unsigned>(rest_.front() - '0');
    rest_.remove_prefix(1);
    return value;
  }

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

std::optional<UtcTime> from_posix_s(std::uint64_t seconds) {
  return seconds < static_cast<std::uint64_t>(end_of_time.us / us_per_s)
             ? std::optional(UtcTime{static_cast<std::int64_t>(seconds) * us_per_s})
             : std::nullopt;
}

std::string to_text(UtcTime time) {
  const Fields fields = fields_of(time);
  std::string out = to_seconds_text(fields);
  append_number(out, '.', 6, fields.fraction_us);
  out += 'Z';
  return out;
}

std::string to_seed_text(UtcTime time) {
  const Fields fields = fields_of(time);
  std::string out = to_seconds_text(fields);
  if (fields.fraction_us != 0) {
    append_number(out, '.', 6, fields.fraction_us);
  }
  return out;
}

std::optional<UtcTime> from_text(std::string_view text) {
  Cursor cursor(text);
  const unsigned y = cursor.number(4, 1, 9999);
  cursor.expect('-');
  const unsigned m = cursor.number(2, 1, 12);
  cursor.expect('-');
  const unsigned d = cursor.number(2, 1, 31);
  cursor.expect('T');
  const unsigned hours = cursor.number(2, 0, 23);
  cursor.expect(':');
  const unsigned minutes = cursor.number(2, 0, 59);
  cursor.expect(':');
  const unsigned seconds = cursor.number(2, 0, 59);
  const unsigned fraction_us = cursor.skip('.') ? cursor.fraction() : 0;

  std::int64_t offset_s = 0;
  if (!cursor.skip('Z') && !cursor.at_end()) {
    const std::int64_t sign = cursor.skip('-') ? -1 : 1;
    if (sign == 1) {
      cursor.expect('+');
    }
    const unsigned offset_hours = cursor.number(2, 0, 23);
    cursor.expect(':');
    offset_s = sign * std::int64_t{offset_hours * 60 + cursor.number(2, 0, 59)} * 60;
  }

  const year_month_day date{year{static_cast<int>(y)}, month{m}, day{d}};
  if (!cursor.good() || !cursor.at_end() || !date.ok()) {
    return std::nullopt;
  }
  const std::int64_t day_us = std::int64_t{sys_days{date}.time_since_epoch().count()} * us_per_day;
  const std::int64_t local_s = std::int64_t{hours} * 3600 + std::int64_t{minutes} * 60 + std::int64_t{seconds};
  const UtcTime time = {day_us + (local_s - offset_s) * us_per_s + std::int64_t{fraction_us}};
  if (!is_in_range(time)) {
    return std::nullopt;
  }
  return time;
}

}  // namespace openexec
