// SPDX-License-Identifier: Apache-2.0
// A real witness, and real daemons that it knows.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "proto-json/checkpoint.h"
#include "proto-json/note.h"
#include "tests/integration/cli_support.h"
#include "tests/support/openexecd.h"
#include "tests/support/temp_dir.h"

namespace openexec::test {

inline constexpr const char* test_origin = "vm1/openexec";

// A witness in a folder of its own.
class WitnessFolder {
 public:
  // Trusts these logs.
  explicit WitnessFolder(const std::vector<std::string>& logs = {});

  [[nodiscard]] std::string dir() const { return dir_ / "a/b"; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return std::filesystem::path(dir()) / name;
  }
  // What it keeps of the log of test_origin.
  [[nodiscard]] std::filesystem::path state() const;
  [[nodiscard]] std::vector<std::filesystem::path> evidence() const;
  [[nodiscard]] const std::string& vkey() const { return vkey_; }
  [[nodiscard]] NoteKey key() const;
  // Made with its own secret key.
  [[nodiscard]] NoteSigner signer() const;

  // What `log push --exec` takes.
  [[nodiscard]] std::string command() const { return std::string(openexec_path()) + " witness cosign --dir " + dir(); }
  // openexec witness ARGUMENTS --dir DIR
  [[nodiscard]] Completed run(std::vector<std::string> arguments, const std::string& stdin_text = {}) const;
  [[nodiscard]] Completed cosign(const std::string& submission) const { return run({"cosign"}, submission); }
  void trust(const std::string& log_vkey) const;
  [[nodiscard]] Json show() const { return document(run({"show"})); }
  // Of the log that it was given first; -1 when it cosigned none.
  [[nodiscard]] std::int64_t size() const;

 private:
  TempDir dir_;
  std::string vkey_;
};

// A daemon whose [log] names test_origin and that witness, and whose key the witness trusts.
class WitnessedDaemon {
 public:
  WitnessedDaemon(const WitnessFolder& witness, DaemonOptions options);

  [[nodiscard]] TestDaemon& daemon() { return daemon_; }
  [[nodiscard]] std::string socket() const { return daemon_.socket(); }
  [[nodiscard]] const std::string& log_key() const { return log_key_; }
  [[nodiscard]] Completed push() const;
  // A run of echo that no other call in this process asks for; its index.
  std::int64_t echo();

  // While it is stopped: its store and the high-water file beside it, there and back.
  void copy_store_to(const std::filesystem::path& folder) const;
  void put_store_from(const std::filesystem::path& folder) const;

 private:
  [[nodiscard]] static DaemonOptions configured(DaemonOptions options, const std::string& config,
                                                const WitnessFolder& witness);

  const WitnessFolder& witness_;
  TempDir dir_;
  TestDaemon daemon_;
  std::string log_key_;
};

}  // namespace openexec::test
