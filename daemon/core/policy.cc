// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/policy.h"

#include <algorithm>

namespace openexec {
namespace {

bool contains(const std::vector<std::uint32_t>& ids, std::uint32_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool is_root_or_own(const Policy& policy, const Caller& caller) {
  return caller.peer.uid == 0 || caller.peer.uid == policy.own_uid;
}

}  // namespace

bool may_connect(const Policy& policy, const Caller& caller) {
  if (policy.allow_uids.empty() && policy.allow_gids.empty()) {
    return true;
  }
  return is_root_or_own(policy, caller) || contains(policy.allow_uids, caller.peer.uid) ||
         contains(policy.allow_gids, caller.peer.gid) ||
         std::any_of(caller.groups.begin(), caller.groups.end(),
                     [&](std::uint32_t group) { return contains(policy.allow_gids, group); });
}

bool may_read_all(const Policy& policy, const Caller& caller) {
  return is_root_or_own(policy, caller) || contains(policy.reader_uids, caller.peer.uid);
}

Error peer_not_allowed_error() {
  return {Reason::peer_not_allowed,
          "This user may not use this daemon: [socket] allow_uids and allow_gids say who may"};
}

}  // namespace openexec
