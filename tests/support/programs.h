// SPDX-License-Identifier: Apache-2.0
// Where the programs under test are: in the build that this test program belongs to, or in the build folder that
// $OPENEXEC_PROGRAMS names. Tests that only start programs are built once, optimized, and run against sanitized
// programs by that.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace openexec::test {

// The build folder.
const std::filesystem::path& programs_dir();
// One file of it, like "bin/openexecd". It is a std::runtime_error, which fails the test, when it is not there.
std::string program(std::string_view name);

// By what the program itself holds, not by what anybody says of it.
bool is_sanitized_by(std::string_view sanitizer, std::string_view name);  // "address" or "thread"
// Memory and descriptors of the daemons are then not theirs alone.
bool programs_are_sanitized();

inline std::string openexecd_path() { return program("bin/openexecd"); }
// With fault points and with the actions test.count, test.sleep and test.fail.
inline std::string openexecd_faults_path() { return program("tests/bin/openexecd-faults"); }
inline std::string openexec_path() { return program("bin/openexec"); }
inline std::string openexec_launch_path() { return program("bin/openexec-launch"); }

}  // namespace openexec::test
