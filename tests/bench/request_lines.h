// SPDX-License-Identifier: Apache-2.0
// Requests made before they are needed: approvals are signed by an approver elsewhere, so their cost is no part of what
// a load measures.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/crypto.h"

namespace openexec::bench {

// What the requests of a run have in common.
struct RequestTerms {
  std::string run_name;            // nonces are "<run name>-<number>"
  const SecretKey* key = nullptr;  // signs each request's approval; nullptr: there are none
  std::string tenant_id;
  std::string action = "echo";
  std::size_t payload_bytes = 0;  // of text in each payload, beside what every payload has
};

class RequestLines {
 public:
  // Requests 0 to `count` - 1, each with a nonce and an approval of its own, made on all cores. Fewer when they would
  // take more than `bytes_max`.
  RequestLines(const RequestTerms& terms, std::size_t count, std::size_t bytes_max);

  [[nodiscard]] std::size_t size() const { return size_; }
  // The line of a request behind its id, up to and with the line end: the sender puts an id that is free on its
  // connection before it.
  [[nodiscard]] std::string_view behind_id(std::size_t number) const;

 private:
  struct Chunk {
    std::string bytes;
    std::vector<std::size_t> ends;
  };
  static constexpr std::size_t lines_per_chunk = 1024;

  std::vector<Chunk> chunks_;  // each but the last holds lines_per_chunk
  std::size_t size_;
};

// Every line begins with this, and the id follows.
inline constexpr std::string_view before_id = R"({"id":)";

}  // namespace openexec::bench
