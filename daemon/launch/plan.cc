// SPDX-License-Identifier: Apache-2.0
#include "daemon/launch/plan.h"

#include <concepts>
#include <utility>

#include "proto-json/limits.h"

namespace openexec::launch {
namespace {

// Integers are little-endian, of the width of their type; a boolean is one byte; a text is its length (32 bits) and its
// bytes; a list is its count (32 bits) and its texts.
class Writer {
 public:
  // The length of the body that will be put. All of it has room from the first: a text that grows leaves copies behind,
  // and what is put may be secret.
  explicit Writer(std::size_t body_bytes) {
    out_.reserve(length_bytes + body_bytes);
    put(static_cast<std::uint32_t>(body_bytes));
  }

  template <std::integral Integer>
  void put(Integer value) {
    auto bits = static_cast<std::uint64_t>(value);
    for (std::size_t i = 0; i < sizeof(Integer); ++i) {
      out_.push_back(static_cast<char>(static_cast<unsigned char>(bits)));
      bits >>= 8U;
    }
  }
  void put(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    out_.append(text);
  }
  void put(const std::vector<std::string>& texts) {
    put(static_cast<std::uint32_t>(texts.size()));
    for (const std::string& text : texts) {
      put(std::string_view(text));
    }
  }

  [[nodiscard]] std::string message() && { return std::move(out_); }

 private:
  std::string out_;
};

template <std::integral Integer>
std::size_t encoded_bytes(Integer /*value*/) {
  return sizeof(Integer);
}
std::size_t encoded_bytes(std::string_view text) { return sizeof(std::uint32_t) + text.size(); }
std::size_t encoded_bytes(const std::vector<std::string>& texts) {
  std::size_t bytes = sizeof(std::uint32_t);
  for (const std::string& text : texts) {
    bytes += encoded_bytes(std::string_view(text));
  }
  return bytes;
}

// After the first thing that does not fit nothing more is taken, and is_whole() is false.
class Reader {
 public:
  explicit Reader(std::string_view body) : rest_(body) {}

  template <std::integral Integer>
  void take(Integer& value) {
    std::uint64_t bits = 0;
    const std::string_view bytes = take_bytes(sizeof(Integer));
    for (std::size_t i = bytes.size(); i > 0; --i) {
      bits = (bits << 8U) | static_cast<unsigned char>(bytes[i - 1]);
    }
    value = static_cast<Integer>(bits);
  }
  void take(bool& value) {
    const std::string_view byte = take_bytes(1);
    value = byte == std::string_view("\1", 1);
    fits_ = fits_ && (value || byte == std::string_view("\0", 1));
  }
  void take(std::string& text) {
    std::uint32_t size = 0;
    take(size);
    text = take_bytes(size);
  }
  void take(std::vector<std::string>& texts) {
    std::uint32_t count = 0;
    take(count);
    for (std::uint32_t i = 0; i < count && fits_; ++i) {
      take(texts.emplace_back());
    }
  }

  [[nodiscard]] bool is_whole() const { return fits_ && rest_.empty(); }

 private:
  std::string_view take_bytes(std::size_t size) {
    fits_ = fits_ && size <= rest_.size();
    const std::string_view bytes = fits_ ? rest_.substr(0, size) : std::string_view();
    rest_.remove_prefix(bytes.size());
    return bytes;
  }

  std::string_view rest_;
  bool fits_ = true;
};

// The one list of a plan's members, for both directions.
template <typename PlanType, typename Each>
void for_each_member(PlanType& plan, const Each& each) {
  each(plan.argv);
  each(plan.env);
  each(plan.read);
  each(plan.write);
  each(plan.network);
  each(plan.unix_sockets);
  each(plan.is_sandbox_required);
  each(plan.timeout_ms);
  each(plan.grace_ms);
  each(plan.memory_bytes_max);
  each(plan.processes_max);
  each(plan.cgroup);
  each(plan.temp_parent);
  each(plan.landlock_abi_max);
}

template <typename ReportType, typename Each>
void for_each_report_member(ReportType& report, const Each& each) {
  each(report.not_started);
  each(report.timed_out);
  each(report.is_signal);
  each(report.number);
  each(report.duration_us);
}

template <typename StartedType, typename Each>
void for_each_started_member(StartedType& started, const Each& each) {
  each(started.group);
}

// Sized first, so that no copy of a secret is left where the text had stood before it grew.
template <typename ForEach>
std::string message_of(const ForEach& for_each) {
  std::size_t bytes = 0;
  for_each([&](const auto& member) { bytes += encoded_bytes(member); });
  Writer writer(bytes);
  for_each([&](const auto& member) { writer.put(member); });
  return std::move(writer).message();
}

}  // namespace

std::string encode(const Plan& plan) {
  return message_of([&](const auto& each) { for_each_member(plan, each); });
}

std::string encode(const Started& started) {
  return message_of([&](const auto& each) { for_each_started_member(started, each); });
}

std::string encode(const Report& report) {
  return message_of([&](const auto& each) { for_each_report_member(report, each); });
}

std::expected<Plan, std::string> decode_plan(std::string_view body) {
  Plan plan;
  Reader reader(body);
  for_each_member(plan, [&](auto& member) { reader.take(member); });
  if (!reader.is_whole()) {
    return std::unexpected("this is no plan of a run");
  }
  const bool has_times = plan.timeout_ms >= 1 && plan.timeout_ms <= limits::run_timeout_ms_max && plan.grace_ms >= 0 &&
                         plan.grace_ms <= limits::run_timeout_ms_max;
  if (plan.argv.empty() || !has_times) {
    return std::unexpected("the plan of a run lacks a command line or a timeout");
  }
  return plan;
}

std::expected<Started, std::string> decode_started(std::string_view body) {
  Started started;
  Reader reader(body);
  for_each_started_member(started, [&](auto& member) { reader.take(member); });
  if (!reader.is_whole() || started.group <= 1) {  // to kill() these would be everybody, or ourselves
    return std::unexpected("this is no start of a run");
  }
  return started;
}

std::expected<Report, std::string> decode_report(std::string_view body) {
  Report report;
  Reader reader(body);
  for_each_report_member(report, [&](auto& member) { reader.take(member); });
  if (!reader.is_whole()) {
    return std::unexpected("this is no report of a run");
  }
  return report;
}

std::uint32_t decode_length(std::string_view bytes) {
  std::uint32_t length = 0;
  Reader(bytes.substr(0, length_bytes)).take(length);
  return length;
}

Heard decode_heard(std::string_view bytes) {
  Heard heard;
  while (!heard.report && bytes.size() >= length_bytes && bytes.size() - length_bytes >= decode_length(bytes)) {
    const std::string_view body = bytes.substr(length_bytes, decode_length(bytes));
    bytes.remove_prefix(length_bytes + body.size());
    // No body is both: a report has more bytes.
    if (const auto started = decode_started(body); started && !heard.started) {
      heard.started = *started;
    } else if (auto report = decode_report(body); report) {
      heard.report = *std::move(report);
    } else {
      break;
    }
  }
  return heard;
}

}  // namespace openexec::launch
