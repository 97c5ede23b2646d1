// SPDX-License-Identifier: Apache-2.0
// A stream of bytes as a peer sends it: lines, JSON, requests. The first byte says how it arrives.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/bytes.h"
#include "proto-json/canonical.h"
#include "proto-json/check.h"
#include "proto-json/encoding.h"
#include "proto-json/json.h"
#include "proto-json/line_splitter.h"
#include "proto-json/message.h"

namespace openexec {
namespace {

struct Stream {
  std::vector<std::string> lines;
  bool overflowed = false;
};

Stream split(std::string_view bytes, std::size_t bound, std::size_t chunk_bytes) {
  LineSplitter splitter(bound);
  Stream out;
  while (!bytes.empty()) {
    splitter.feed(bytes.substr(0, chunk_bytes));
    bytes.remove_prefix(bytes.size() < chunk_bytes ? bytes.size() : chunk_bytes);
    while (const auto line = splitter.next()) {
      OPENEXEC_CHECK(line->size() <= bound);
      OPENEXEC_CHECK(line->find('\n') == std::string_view::npos);
      OPENEXEC_CHECK(line->find_first_not_of(" \t") != std::string_view::npos);
      out.lines.emplace_back(*line);
    }
    OPENEXEC_CHECK(splitter.held_bytes() <= bound + 1);  // one more where a carriage return may begin a line end
  }
  out.overflowed = splitter.overflowed();
  return out;
}

// What goes out is one line of JSON.
void check_reply(std::string_view reply) {
  OPENEXEC_CHECK(reply.ends_with('\n') && reply.find('\n') == reply.size() - 1);
  OPENEXEC_CHECK(parse_json(reply).has_value());
  OPENEXEC_CHECK(decode_response(reply.substr(0, reply.size() - 1)).has_value());
}

void check_json(std::string_view line) {
  const auto value = parse_json(line);
  if (!value) {
    OPENEXEC_CHECK(is_utf8(value.error().message));
    const bool duplicate = value.error().kind == JsonError::Kind::duplicate_member;
    OPENEXEC_CHECK(duplicate == value.error().with_first_members.has_value());
    if (duplicate) {
      const Json& kept = *value.error().with_first_members;
      OPENEXEC_CHECK(parse_json(to_compact(kept)) == kept);
    }
    return;
  }
  const std::string compact = to_compact(*value);
  OPENEXEC_CHECK(parse_json(compact) == *value);
  OPENEXEC_CHECK(parse_json(to_spaced(*value)) == *value);
  OPENEXEC_CHECK(is_utf8(to_jcs(*value)));
}

void check_request(std::string_view line) {
  const auto request = decode_request(line);
  if (!request) {
    check_reply(encode_error(request.error().id, request.error().error));
    return;
  }
  const auto again = decode_request(encode_request(request->id, request->method, request->params));
  OPENEXEC_CHECK(again.has_value());
  OPENEXEC_CHECK(again->id == request->id && again->method == request->method && again->params == request->params);
  check_reply(encode_result(request->id, request->params));

  const auto check_failure = [&](const auto& decoded) {
    if (!decoded) {
      check_reply(encode_error(request->id, decoded.error()));
    }
  };
  check_failure(decode_execute(request->params));
  check_failure(decode_receipt_query(request->params));
  check_failure(decode_receipt_verify(request->params));
  check_failure(decode_no_params(request->params));
}

}  // namespace
}  // namespace openexec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  constexpr std::size_t bound = 512;
  const std::string_view bytes = openexec::text_of({data + 1, size - 1});
  const openexec::Stream stream = openexec::split(bytes, bound, std::size_t{1} + data[0]);
  const openexec::Stream whole = openexec::split(bytes, bound, bytes.size());
  OPENEXEC_CHECK(stream.lines == whole.lines && stream.overflowed == whole.overflowed);
  for (const std::string& line : whole.lines) {
    openexec::check_json(line);
    openexec::check_request(line);
    static_cast<void>(openexec::decode_response(line));
  }
  return 0;
}
