// SPDX-License-Identifier: Apache-2.0
// Transcripts: conversations with a daemon, as files that people read and tests run (tests/transcripts).
//
//   # The first line is the title. Lines that begin with "# " are comments.
//   NAME: VALUE                         directives, up to the first empty line:
//     doc: yes                            docs/protocol.md holds it
//     daemon: faults                      the test build, with test.count, test.sleep and test.fail
//     mode: clawshield                    trusts the test approver, for tenant-001; otherwise demo mode
//     config: socket.mode = "0666"        a line of the configuration file
//     action FILE: timeout = "5s"         a line of that file of actions.d
//     needs: root                         skipped for other users
//     approval NAME: action=A [tenant=T] [issued=S] [expires=S] [key=other] [set.MEMBER=TEXT] payload={…}
//                                         an approval minted now; times are seconds from now; payload comes last. `set`
//                                         puts a text into a member afterwards, `set.MEMBER=` takes the member away
//   > {…}                               a line that the client sends; "$NAME" stands for that approval, and
//                                         $REPEAT(N,TEXT) for N times TEXT
//   >> BYTES                            bytes that the client sends: \xHH, \n, \r, \t and \\ are escapes, nothing is
//   added < {…}                               the next reply, compared as JSON; "…" stands for any value
//     …                                 two spaces continue the line before
//   ! repeat N {…}                      N lines, with $I counting from 1
//   ! claimed NONCE                     waits until that nonce is claimed
//   ! finish                            the client sends no more
//   ! end                               the daemon closes the connection, with nothing more said
//   ! connect  ! as UID                 another connection; as that user
//   ! kill  ! stop  ! start             the daemon: kill -9; SIGTERM and exit status 0; started again on its store
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/json.h"

namespace openexec::test {

struct TranscriptStep {
  enum class Kind { send_line, send_bytes, expect, command };
  Kind kind;
  std::string text;
  std::size_t line;  // in the file, from 1
};

struct Transcript {
  std::string name;  // of the file, without ".txt"
  std::string title;
  std::string body;  // everything after the directives, as it stands in the file
  bool in_docs = false;
  bool needs_faults = false;
  bool needs_root = false;
  bool is_clawshield = false;
  std::vector<std::string> config;
  std::map<std::string, std::string> actions;    // name of a file to its text
  std::map<std::string, std::string> approvals;  // name to description
  std::vector<TranscriptStep> steps;
};

// Every file of tests/transcripts, by name. What cannot be read as a transcript fails the test.
std::vector<Transcript> read_transcripts();

// Runs it against a daemon of its own. Every reply that differs fails the test.
void run_transcript(const Transcript& transcript);

// Whether a value fits what was expected of it.
bool fits(const Json& expected, const Json& value);

}  // namespace openexec::test
