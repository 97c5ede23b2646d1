// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/high_water.h"

#include "daemon/core/commit.h"
#include "daemon/core/log_tree.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

using test::noon;

struct Fixture {
  test::TempDir dir;
  std::unique_ptr<Store> store = test::open_store(test::store_options(test::demo_policy(), dir));

  void append(const std::string& nonce) const {
    const auto attempt =
        std::make_shared<const Attempt>(test::attempt_of(test::demo_policy(), test::request("echo", "{}", nonce)));
    const Op op = Denial{attempt, Reason::unknown_action};
    REQUIRE(commit_ops(*store, test::log_signer(), {}, noon(), {&op, 1}).has_value());
  }
  [[nodiscard]] Checkpoint mark(std::uint64_t size) const {
    const auto txn = store->read();
    REQUIRE(txn.has_value());
    return {std::string(test::origin), size, tree_root(*txn, size).value()};
  }
  // What stands against running it.
  [[nodiscard]] std::string objection(const std::optional<Checkpoint>& mark) const {
    const auto why = why_behind(*store, mark, "openexec store adopt DIR");
    REQUIRE(why.has_value());
    return why->value_or("");
  }
};

TEST_CASE("a mark that is written reads back the same, and every size of one log has a text of the same length") {
  const std::string first = to_high_water_text({"a/b", 0, {}});
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{7}, std::uint64_t{1} << 61U}) {
    const Checkpoint log{"a/b", size, sha256(std::string_view("x"))};
    const std::string text = to_high_water_text(log);
    CHECK(text.size() == first.size());
    CHECK(read_high_water_text(text) == log);
  }
}

TEST_CASE("the longest name of a log fits the file's bound") {
  const Checkpoint log{std::string(limits::note_key_name_bytes_max, 'a'), 1, {}};
  CHECK(to_high_water_text(log).size() <= limits::high_water_bytes_max);
}

TEST_CASE("a mark with one bit flipped, cut short or longer is none") {
  const std::string text = to_high_water_text({"a/b", 7, sha256(std::string_view("x"))});
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string bad = text;
    bad[bit / 8] = static_cast<char>(static_cast<unsigned char>(bad[bit / 8]) ^ (1U << (bit % 8)));
    CHECK_FALSE(read_high_water_text(bad).has_value());
  }
  for (std::size_t size = 0; size < text.size(); ++size) {
    CHECK_FALSE(read_high_water_text(text.substr(0, size)).has_value());
  }
  CHECK_FALSE(read_high_water_text(text + "x").has_value());
}

TEST_CASE("a store at its mark or ahead of it may be run") {
  const Fixture f;
  CHECK(f.objection(std::nullopt).empty());
  CHECK(f.objection(f.mark(0)).empty());
  f.append("a");
  f.append("b");
  for (const std::uint64_t size : {0U, 1U, 2U}) {
    CHECK(f.objection(f.mark(size)).empty());
  }
}

TEST_CASE("a store behind its mark, of another history, of another log, or with no mark may not be run") {
  const Fixture f;
  f.append("a");
  Checkpoint mark = f.mark(1);
  std::string expected;
  std::optional<Checkpoint> given = mark;
  SECTION("behind") {
    given->size = 2;
    expected = "has 1 entries, and had 2 before: it was put back to an older copy";
  }
  SECTION("another history") {
    given->root = sha256(std::string_view("another"));
    expected = "the first 1 entries of the store";
  }
  SECTION("another log") {
    given->origin = "other/openexec";
    expected = "the high-water file is of the log other/openexec";
  }
  SECTION("no mark") {
    given.reset();
    expected = "no high-water file, so it may be a copy";
  }
  const std::string why = f.objection(given);
  CHECK(why.find(expected) != std::string::npos);
  CHECK(why.find("openexec store adopt DIR") != std::string::npos);
}

}  // namespace
}  // namespace openexec
