// SPDX-License-Identifier: Apache-2.0
// Checks signatures: a single one in place, several at once on libuv's workers, so that cores scale it.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "daemon/core/verifier.h"
#include "daemon/io/turn.h"

namespace openexec {

class SignatureWorkers final : public Verifier {
 public:
  // The keyring and the loop outlive every check that was begun.
  SignatureWorkers(Loop& loop, LoopTurn& turn, const Keyring& keyring);
  // Checks under way are not called back.
  ~SignatureWorkers() override;
  SignatureWorkers(const SignatureWorkers&) = delete;
  SignatureWorkers& operator=(const SignatureWorkers&) = delete;

  void verify(SignatureCheck check, VerifyDone done) override;

 private:
  struct Item {
    SignatureCheck check;
    VerifyDone done;
    std::optional<std::size_t> signer;
  };
  struct Job;

  void dispatch();
  void hand_over(std::vector<Item> items);

  Loop& loop_;
  LoopTurn& turn_;
  const Keyring& keyring_;
  std::vector<Item> gathered_;
  std::shared_ptr<std::size_t> outstanding_ = std::make_shared<std::size_t>(0);  // jobs on workers
};

}  // namespace openexec
