// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/receipt_log.h"

#include "daemon/core/big_endian.h"
#include "tests/core/world.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

struct Log {
  test::TempDir dir;
  std::unique_ptr<Store> store = test::open_store(test::store_options(test::demo_policy(), dir));

  WriteTxn write() const {
    auto txn = store->write();
    REQUIRE(txn.has_value());
    return *std::move(txn);
  }
  ReadTxn read() const {
    auto txn = store->read();
    REQUIRE(txn.has_value());
    return *std::move(txn);
  }
};

LogWriter writer_of(WriteTxn& txn) {
  static const NoteSigner signer = test::log_signer();
  auto writer = LogWriter::open(txn, signer);
  REQUIRE(writer.has_value());
  return *std::move(writer);
}

Receipt receipt(ReceiptKind kind, ExecutionId id) {
  Receipt out = receipt_of(test::attempt_of(test::demo_policy(), test::request("echo", "{}", "n")), kind, test::noon());
  out.id = id;
  if (kind == ReceiptKind::denied) {
    out.reason = Reason::unknown_action;
  }
  return out;
}

ExecutionId id_of(std::uint8_t byte) {
  ExecutionId id;
  id.data.fill(byte);
  return id;
}

TEST_CASE("a new log is empty") {
  const Log log;
  const ReadTxn txn = log.read();
  CHECK(log_size(txn).value() == 0);
  CHECK_FALSE(leaf_at(txn, 0).value().has_value());
}

TEST_CASE("entries are numbered from 0 without a gap, also across transactions") {
  const Log log;
  std::uint64_t expected = 0;
  for (int batch = 0; batch < 3; ++batch) {
    WriteTxn txn = log.write();
    for (int i = 0; i < 100; ++i) {
      CHECK(writer_of(txn).append(receipt(ReceiptKind::started, id_of(1))).value() == expected++);
    }
    REQUIRE(txn.commit().has_value());
  }
  CHECK(log_size(log.read()).value() == 300);
}

TEST_CASE("an entry is the leaf of its receipt, byte for byte") {
  const Log log;
  WriteTxn txn = log.write();
  const Receipt written = receipt(ReceiptKind::started, id_of(1));
  const auto index = writer_of(txn).append(written);
  REQUIRE(index.has_value());
  CHECK(leaf_at(txn, *index).value() == to_leaf(written));
}

TEST_CASE("an entry that was not committed is not there") {
  const Log log;
  {
    WriteTxn txn = log.write();
    REQUIRE(writer_of(txn).append(receipt(ReceiptKind::started, id_of(1))).has_value());
  }
  CHECK(log_size(log.read()).value() == 0);
}

TEST_CASE("an index that cannot be read is damage and not an empty log") {
  const Log log;
  WriteTxn txn = log.write();
  REQUIRE(txn.put(Table::entries, "xxx", "leaf").has_value());
  CHECK_FALSE(log_size(txn).has_value());
  CHECK_FALSE(LogWriter::open(txn, test::log_signer()).has_value());
}

TEST_CASE("a tree that lacks a node cannot be written on") {
  const Log log;
  WriteTxn txn = log.write();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(writer_of(txn).append(receipt(ReceiptKind::started, id_of(1))).has_value());
  }
  REQUIRE(txn.erase(Table::nodes, to_big_endian(node_position({1, 0}))).has_value());
  const auto writer = LogWriter::open(txn, test::log_signer());
  REQUIRE_FALSE(writer.has_value());
  CHECK(writer.error().message == "the store is damaged: node 0 of level 1 of the log's tree cannot be read");
}

TEST_CASE("a checkpoint is read from the store, and only what was committed is there") {
  const Log log;
  {
    WriteTxn txn = log.write();
    LogWriter writer = writer_of(txn);
    REQUIRE(writer.append(receipt(ReceiptKind::started, id_of(1))).has_value());
    CHECK(writer.grew());
    CHECK(writer.seal().value().size == 1);
    REQUIRE(txn.commit().has_value());
  }
  {
    WriteTxn txn = log.write();
    LogWriter writer = writer_of(txn);
    CHECK_FALSE(writer.grew());
    REQUIRE(writer.append(receipt(ReceiptKind::started, id_of(2))).has_value());
    CHECK(writer.seal().value().size == 2);
  }
  const auto note = read_note(latest_checkpoint(log.read()).value());
  REQUIRE(note.has_value());
  CHECK(open_checkpoint(*note, test::log_signer().key()).value().size == 1);
}

TEST_CASE("a store without a checkpoint is damaged") { CHECK_FALSE(latest_checkpoint(Log().read()).has_value()); }

}  // namespace
}  // namespace openexec
