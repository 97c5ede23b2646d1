// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/signature_workers.h"

#include <array>

#include "proto-json/crypto.h"
#include "proto-json/pem.h"
#include "tests/io/io_support.h"

namespace openexec {
namespace {

SecretKey key_of(std::uint8_t byte) {
  std::array<std::uint8_t, SecretKey::seed_bytes> seed{};
  seed.fill(byte);
  return SecretKey::from_seed(seed);
}

struct Fixture {
  Fixture() {
    init_crypto();
    for (const std::uint8_t byte : {1, 2}) {
      REQUIRE(keyring.add_pem("key", to_public_key_pem(key_of(byte).public_key())).has_value());
    }
  }
  void verify(std::size_t number, std::uint8_t signer) {
    const std::string message = "message " + std::to_string(number);
    answers.resize(std::max(answers.size(), number + 1));
    workers->verify({message, key_of(signer).sign(bytes_of(message))},
                    [this, number](std::optional<std::size_t> found) {
                      answers[number] = found;
                      count += 1;
                    });
  }
  bool until(std::size_t wanted) {
    return test::serve_until(*loop, [&] { return count >= wanted; });
  }

  Keyring keyring;
  std::unique_ptr<Loop> loop = test::open_loop();
  LoopTurn turn{*loop};
  std::optional<SignatureWorkers> workers{std::in_place, *loop, turn, keyring};
  std::vector<std::optional<std::size_t>> answers;
  std::size_t count = 0;
};

TEST_CASE("a single signature is checked within the turn, not inside verify") {
  Fixture fixture;
  fixture.verify(0, 2);
  CHECK(fixture.count == 0);
  fixture.loop->run_ready();
  REQUIRE(fixture.count == 1);
  CHECK(fixture.answers[0] == 1);
}

TEST_CASE("many signatures at once are each answered with their own signer") {
  Fixture fixture;
  constexpr std::size_t checks = 100;
  for (std::size_t i = 0; i < checks; ++i) {
    fixture.verify(i, static_cast<std::uint8_t>(i % 3 + 1));  // every third by a key that is not trusted
  }
  CHECK(fixture.count == 0);
  REQUIRE(fixture.until(checks));
  for (std::size_t i = 0; i < checks; ++i) {
    CHECK(fixture.answers[i] == (i % 3 == 2 ? std::nullopt : std::optional(i % 3)));
  }
  CHECK(fixture.count == checks);
}

TEST_CASE("checks under way are not called back once their workers are gone") {
  Fixture fixture;
  for (std::size_t i = 0; i < 20; ++i) {
    fixture.verify(i, 1);
  }
  fixture.loop->run_ready();
  const std::size_t so_far = fixture.count;
  fixture.workers.reset();
  test::settle(*fixture.loop);
  CHECK(fixture.count == so_far);
}

}  // namespace
}  // namespace openexec
