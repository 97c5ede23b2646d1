// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/request_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "daemon/io/system_clock.h"
#include "proto-json/approval.h"
#include "proto-json/check.h"
#include "proto-json/encoding.h"
#include "proto-json/json.h"
#include "proto-json/message.h"

namespace openexec::bench {
namespace {

// Longer than any run, shorter than what a daemon accepts.
constexpr std::int64_t lifetime_s = 12 * 60 * 60;

class LineMaker {
 public:
  explicit LineMaker(const RequestTerms& terms)
      : terms_(terms), run_hash_(to_hex(sha256(terms.run_name).view())), now_(SystemClock().now()) {}

  [[nodiscard]] std::string behind_id(std::size_t number) const;

 private:
  const RequestTerms& terms_;
  const std::string run_hash_;
  const UtcTime now_;
};

std::string LineMaker::behind_id(std::size_t number) const {
  std::vector<Member> members = {{"amount", 120}, {"currency", "EUR"}, {"order", static_cast<std::int64_t>(number)}};
  if (terms_.payload_bytes > 0) {
    members.push_back({"text", std::string(terms_.payload_bytes, 'x')});
  }
  const Json payload = Json::object(std::move(members));
  std::vector<Member> params = {
      {"action", terms_.action}, {"nonce", fmt::format("{}-{}", terms_.run_name, number)}, {"payload", payload}};
  if (terms_.key != nullptr) {
    // The approval's UUID: version 4 in shape, run and request in content.
    const std::string id =
        fmt::format("{}-{}-4000-8000-{:012x}", run_hash_.substr(0, 8), run_hash_.substr(8, 4), number);
    const auto artifact = mint_clawshield_approval(
        {id, terms_.tenant_id, terms_.action, payload, now_, plus_s(now_, lifetime_s)}, *terms_.key);
    OPENEXEC_CHECK(artifact.has_value());
    params.push_back({"approval_artifact", *artifact});
  }
  const std::string line = encode_request(RequestId(std::int64_t{0}), "execute", Json::object(std::move(params)));
  const std::size_t head = before_id.size() + 1;  // and the id, 0
  OPENEXEC_CHECK(line.starts_with(before_id) && line.size() > head);
  return line.substr(head) + "\n";
}

}  // namespace

RequestLines::RequestLines(const RequestTerms& terms, std::size_t count, std::size_t bytes_max) {
  const LineMaker maker(terms);
  const std::size_t line_bytes = maker.behind_id(count).size();  // none is longer
  size_ = std::min(count, std::max<std::size_t>(bytes_max / line_bytes, 1));
  chunks_.resize((size_ + lines_per_chunk - 1) / lines_per_chunk);
  std::atomic<std::size_t> next = 0;
  const auto make = [&] {
    for (std::size_t c = next++; c < chunks_.size(); c = next++) {
      Chunk& chunk = chunks_[c];
      const std::size_t begin = c * lines_per_chunk;
      const std::size_t end = std::min(size_, begin + lines_per_chunk);
      chunk.bytes.reserve((end - begin) * line_bytes);
      chunk.ends.reserve(end - begin);
      for (std::size_t i = begin; i < end; ++i) {
        chunk.bytes += maker.behind_id(i);
        chunk.ends.push_back(chunk.bytes.size());
      }
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
    threads.emplace_back(make);
  }
}

std::string_view RequestLines::behind_id(std::size_t number) const {
  const Chunk& chunk = chunks_[number / lines_per_chunk];
  const std::size_t at = number % lines_per_chunk;
  const std::size_t begin = at == 0 ? 0 : chunk.ends[at - 1];
  return std::string_view(chunk.bytes).substr(begin, chunk.ends[at] - begin);
}

}  // namespace openexec::bench
