// SPDX-License-Identifier: Apache-2.0
// Every bound of the protocol and of the daemon, in one place. Units stand last in the name; a bound with no unit is a
// count. What is "configurable" is a default here and a key of the configuration file (docs/operations of `openexecd`).
#pragma once

#include <cstddef>
#include <cstdint>

namespace openexec::limits {

// Framing (docs/protocol.md, "Framing").
inline constexpr std::size_t line_bytes_max = std::size_t{1} << 20;  // configurable
inline constexpr std::size_t line_bytes_max_floor = 4096;            // a smaller setting could not carry an approval
inline constexpr std::size_t line_bytes_max_ceiling = std::size_t{8} << 20;
inline constexpr std::size_t json_depth_max = 64;  // nested arrays and objects
inline constexpr std::size_t json_parser_keep_bytes_max =
    64 * 1024;  // the parser's buffers are let go after a larger document
inline constexpr std::size_t line_buffer_keep_bytes_max = 16 * 1024;  // so is a connection's line buffer
inline constexpr std::size_t quoted_name_bytes_max = 64;              // of a caller's own name in an error message
inline constexpr std::size_t request_id_bytes_max = 256;
inline constexpr std::size_t method_bytes_max = 64;
// What a client holds of one reply: the echo of a whole line, each byte of it escaped to six, with room to spare.
inline constexpr std::size_t reply_bytes_max = std::size_t{64} << 20;

// Names a caller chooses.
inline constexpr std::size_t nonce_bytes_max = 256;
inline constexpr std::size_t action_bytes_max = 128;
inline constexpr std::size_t trace_id_bytes_max = 128;
inline constexpr std::size_t tenant_id_bytes_max = 128;
inline constexpr std::size_t origin_bytes_max = 256;

// Approvals (docs/formats.md, "ClawShield v1 approval").
inline constexpr std::int64_t clock_skew_s = 30;  // configurable
inline constexpr std::int64_t clock_skew_s_max = 600;
inline constexpr std::int64_t approval_lifetime_s_max = 24 * 60 * 60;  // configurable
inline constexpr std::int64_t approval_lifetime_s_ceiling = 366LL * 24 * 60 * 60;
inline constexpr std::size_t approver_keys_max = 64;
inline constexpr std::size_t approver_name_bytes_max = 255;  // the longest file name
inline constexpr std::size_t key_file_bytes_max = 16 * 1024;

// A receipt is one leaf of the log (RFC 6962 via c2sp.org/tlog-tiles: a 16-bit length).
inline constexpr std::size_t receipt_bytes_max = 65535;

// The log's notes and proofs (docs/formats.md, "The log").
inline constexpr std::size_t note_bytes_max = 128 * 1024;                // room for 16 signatures of 5 kB
inline constexpr std::size_t note_signatures_max = 64;                   // c2sp.org/signed-note wants 16 at least
inline constexpr std::size_t note_key_name_bytes_max = 288;              // origin_bytes_max and an epoch
inline constexpr std::size_t proof_hashes_max = 63;                      // of an inclusion or consistency proof
inline constexpr std::size_t witnesses_max = 16;                         // of one log
inline constexpr std::size_t submission_bytes_max = 2 * note_bytes_max;  // to a witness: a proof and a note
inline constexpr std::size_t witness_logs_max = 1024;                    // log keys of one witness
// Files of evidence that a witness keeps of one log: each holds two notes. What only the holder of the log's key can
// cause has room of its own, which what anybody can cause (an old checkpoint that is sent again) never fills.
inline constexpr std::size_t witness_forks_per_log_max = 64;
inline constexpr std::size_t witness_doubts_per_log_max = 64;
inline constexpr std::size_t proof_bytes_max = std::size_t{32} << 20;  // with the approval beside it

inline constexpr std::size_t summary_rows_max = 256;  // of a denied_summary: keeps it below receipt_bytes_max
inline constexpr std::size_t log_problems_max = 100;  // that a check of a whole log lists; the rest it counts

// Results: what an action may return, in spaced form. Room for the echo of a whole line, each byte of it escaped to
// six.
inline constexpr std::size_t result_bytes_max = 8 * line_bytes_max_ceiling;

// Durations of a command line: past it there is no time left to count with.
inline constexpr std::int64_t duration_ms_max = 366LL * 24 * 60 * 60 * 1000;

// Connections.
inline constexpr std::size_t in_flight_per_connection = 64;  // configurable
inline constexpr std::size_t in_flight_per_connection_ceiling = 4096;
inline constexpr std::size_t connections_max = 16384;  // configurable
inline constexpr std::size_t connections_max_ceiling = std::size_t{1} << 20;
inline constexpr std::size_t backlog_ceiling = 65535;    // the default is the system's SOMAXCONN
inline constexpr std::size_t open_files_reserve = 64;    // descriptors that are no connections
inline constexpr std::size_t accepts_per_turn_max = 64;  // then whoever is connected gets a turn
inline constexpr std::uint64_t accept_backoff_ms = 100;  // no accepting for this long when descriptors run out
inline constexpr std::size_t lines_per_turn_max = 64;    // of one connection; then the others get a turn
inline constexpr std::size_t unsent_bytes_max = std::size_t{4}
                                                << 20;  // past it a connection is not read until its peer reads
inline constexpr std::size_t read_buffer_bytes = 64 * 1024;
inline constexpr std::size_t idle_buffer_bytes_max = 1024;  // what a connection keeps of a buffer that is empty
inline constexpr std::size_t peer_groups_max = 256;

// The engine and the committer.
inline constexpr std::size_t runs_max = 16;  // configurable; runs of effectful actions at one time
inline constexpr std::size_t runs_max_ceiling = 1024;
// Requests that wait for a run to end, before they claim anything: in all, of one action, and in memory. One uid has
// half of each.
inline constexpr std::size_t queued_max = 1024;  // configurable
inline constexpr std::size_t queued_max_ceiling = 65536;
inline constexpr std::size_t queued_per_action_max = 256;
inline constexpr std::size_t queued_bytes_max = std::size_t{64} << 20;
inline constexpr std::uint32_t requests_per_second_ceiling = 1'000'000;  // of each uid
inline constexpr std::size_t in_flight_total_max = 65536;                // executions under way in the whole daemon
inline constexpr std::size_t commit_ops_max = 1024;                      // operations in one transaction
inline constexpr std::size_t signatures_per_job_max = 16;                // checked by one worker at a stretch
inline constexpr std::int64_t stop_deadline_s = 20;                      // how long a stop waits for what runs
inline constexpr std::uint32_t denied_entries_per_second = 100;          // configurable; of each uid
inline constexpr std::uint32_t denied_entries_per_second_ceiling = 100'000;
inline constexpr std::int64_t summary_window_s = 60;                        // what has no entry is summed up that often
inline constexpr std::size_t bucket_uids_max = 4096;                        // whose rates are known at one time
inline constexpr std::uint64_t tick_ms = 1000;                              // how often the engine looks at its window
inline constexpr std::size_t log_entries_max = 256;                         // in one answer of log/entries
inline constexpr std::size_t log_entries_bytes_max = std::size_t{1} << 20;  // of leaves in it, but for the first
inline constexpr std::uint64_t store_retry_ms = 1000;  // between attempts to open a store that failed

// The store.
inline constexpr std::size_t map_size_bytes = std::size_t{4} << 30;  // configurable
inline constexpr std::size_t map_size_bytes_floor = std::size_t{1} << 20;
inline constexpr std::size_t map_size_bytes_ceiling = std::size_t{16} << 40;
inline constexpr unsigned store_warn_percent = 80;  // configurable: warn, and only count denials
inline constexpr unsigned store_full_percent = 90;  // nothing new is claimed: the rest is for outcomes
// What a denial and a claim may add to the file beside a result: their records, and the pages of the tables around
// them.
inline constexpr std::size_t denial_room_bytes = 8 * 1024;
inline constexpr std::size_t claim_room_bytes = 32 * 1024;
inline constexpr std::size_t summary_room_bytes = 64 * 1024;
inline constexpr unsigned store_readers_max = 126;
// Keys gather in memory and are merged in runs: of this many claims at least, of a share of all that are stored where
// those are many, and never of more, since that is memory (250 bytes or less for each, of at most two runs) and time at
// a start.
inline constexpr std::size_t key_run_min = 16 * 1024;
inline constexpr std::size_t key_run_max = 128 * 1024;
inline constexpr std::uint64_t key_run_share = 64;
inline constexpr std::size_t keys_merged_min = 8;         // of each kind, in a commit while there is a run
inline constexpr std::size_t keys_unsaved_max = 1024;     // merged since the store was told how far the run is
inline constexpr int store_reader_stall_ms = 120'000;     // a reader of tables that says nothing for so long is stopped
inline constexpr std::uint64_t epoch_max = 999'999'999;   // of a log: leaves its name below note_key_name_bytes_max
inline constexpr std::size_t high_water_bytes_max = 512;  // one sector: its text is shorter
inline constexpr std::int64_t clock_floor_step_s = 1;     // how far time goes before the stored floor follows

// Files read at start.
inline constexpr std::size_t config_file_bytes_max = 256 * 1024;

// Operator-defined commands (docs/actions.md).
inline constexpr std::size_t action_files_max = 256;
inline constexpr std::size_t action_file_bytes_max = 64 * 1024;
inline constexpr std::size_t description_bytes_max = 512;
inline constexpr std::size_t arguments_max = 256;                         // of one command, its executable included
inline constexpr std::size_t argument_bytes_max = 128 * 1024 - 1;         // Linux: MAX_ARG_STRLEN less the NUL
inline constexpr std::size_t arguments_bytes_max = std::size_t{1} << 20;  // of arguments and environment together
inline constexpr std::size_t environment_max = 64;                        // variables, secrets included
inline constexpr std::size_t secret_bytes_min = 16;  // a shorter one cannot be told from other text
inline constexpr std::size_t secret_bytes_max = 4096;
inline constexpr std::size_t sandbox_paths_max = 64;
inline constexpr std::size_t path_links_max = 40;  // on the way of one path, as the kernel has it
inline constexpr std::uint64_t sandbox_memory_bytes_floor = std::uint64_t{1} << 20;
inline constexpr std::uint64_t sandbox_memory_bytes_ceiling = std::uint64_t{1} << 40;
inline constexpr std::uint32_t sandbox_processes_ceiling = 65536;
inline constexpr std::size_t executable_bytes_max = std::size_t{512} << 20;  // of one that is pinned by its hash
inline constexpr std::size_t concurrency_ceiling = 1024;                     // runs of one action at one time
inline constexpr std::int64_t run_timeout_ms = 30'000;                       // of a command that says nothing else
inline constexpr std::int64_t run_timeout_ms_max = 24LL * 60 * 60 * 1000;
inline constexpr std::int64_t run_grace_ms = 2000;            // between SIGTERM and SIGKILL
inline constexpr std::int64_t run_overtime_ms = 10'000;       // past both a launcher is stopped, twice it: killed
inline constexpr std::uint64_t run_drain_ms = 1000;           // for output once a run has ended
inline constexpr std::size_t open_files_per_run = 8;          // that the daemon holds
inline constexpr std::int64_t run_poll_ms_max = 60'000;       // the longest wait at one time
inline constexpr std::int64_t run_reap_poll_ms = 20;          // between looks for processes that are to die
inline constexpr std::int64_t run_reap_ms_max = 10'000;       // after the daemon's end, for those that do not
inline constexpr std::int64_t run_cleanup_ms_max = 2000;      // that a report waits for the temporary folder
inline constexpr std::uint64_t late_cleanup_ms_max = 60'000;  // that a launcher may take for it after its report
inline constexpr std::size_t late_cleanups_max = 64;          // at one time; with more, ended runs keep their slots
inline constexpr int temp_folder_tries_max = 8;               // to make one that nobody sweeps
inline constexpr std::uint64_t run_open_files_max = 1024;     // of each process of a command
inline constexpr std::size_t command_output_bytes_max = 64 * 1024;  // of standard output, and of standard error
inline constexpr std::size_t command_output_bytes_max_ceiling = std::size_t{4} << 20;
inline constexpr std::size_t run_read_bytes = 64 * 1024;  // of output at one time
inline constexpr int session_sweeps_max = 16;             // through all processes, after a launcher was killed
inline constexpr std::size_t launch_plan_bytes_max = std::size_t{4} << 20;
inline constexpr std::size_t launch_report_bytes_max = 4096;

// JSON Schema of a payload.
inline constexpr std::size_t schema_depth_max = 32;
inline constexpr std::size_t schema_nodes_max = 4096;
inline constexpr std::size_t schema_pattern_bytes_max = 1024;
inline constexpr std::size_t schema_pattern_memory_bytes_max = std::size_t{1} << 20;  // of one compiled pattern
// Bytes of text times instructions of the pattern that looks at them, in one payload: below a second on the loop.
inline constexpr std::uint64_t schema_pattern_steps_max = std::uint64_t{1} << 27;

}  // namespace openexec::limits
