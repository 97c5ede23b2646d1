// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/signature_workers.h"

#include <uv.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "proto-json/check.h"
#include "proto-json/limits.h"

namespace openexec {

// Some checks for one worker. Freed by its callback on the loop.
struct SignatureWorkers::Job {
  uv_work_t request{};
  const Keyring* keyring = nullptr;
  std::vector<Item> items;
  std::weak_ptr<std::size_t> outstanding;  // gone with the SignatureWorkers
};

SignatureWorkers::SignatureWorkers(Loop& loop, LoopTurn& turn, const Keyring& keyring)
    : loop_(loop), turn_(turn), keyring_(keyring) {
  turn_.set(LoopTurn::Phase::verify, [this] { dispatch(); });
}

SignatureWorkers::~SignatureWorkers() { turn_.set(LoopTurn::Phase::verify, nullptr); }

void SignatureWorkers::verify(SignatureCheck check, VerifyDone done) {
  gathered_.push_back({std::move(check), std::move(done), std::nullopt});
  turn_.request(LoopTurn::Phase::verify);
}

void SignatureWorkers::dispatch() {
  std::vector<Item> items = std::exchange(gathered_, {});
  if (items.size() == 1 && *outstanding_ == 0) {
    items.front().done(find_signer(keyring_, items.front().check));
    return;
  }
  for (auto at = items.begin(); at != items.end();) {
    const auto count = std::min<std::ptrdiff_t>(items.end() - at, limits::signatures_per_job_max);
    hand_over({std::make_move_iterator(at), std::make_move_iterator(at + count)});
    at += count;
  }
}

void SignatureWorkers::hand_over(std::vector<Item> items) {
  auto job = std::make_unique<Job>();
  job->request.data = job.get();
  job->keyring = &keyring_;
  job->items = std::move(items);
  job->outstanding = outstanding_;
  const auto work = [](uv_work_t* request) {
    auto* self = static_cast<Job*>(request->data);
    for (Item& item : self->items) {
      item.signer = find_signer(*self->keyring, item.check);
    }
  };
  const auto done = [](uv_work_t* request, int) {
    const std::unique_ptr<Job> self(static_cast<Job*>(request->data));
    if (const auto outstanding = self->outstanding.lock()) {
      *outstanding -= 1;
      for (Item& item : self->items) {
        item.done(item.signer);
      }
    }
  };
  OPENEXEC_CHECK(uv_queue_work(loop_.get(), &job->request, work, done) == 0);
  static_cast<void>(job.release());  // its callback's now
  *outstanding_ += 1;
}

}  // namespace openexec
