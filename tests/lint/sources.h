// SPDX-License-Identifier: Apache-2.0
// The files of this tree, for tests that read them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace openexec::lint {

struct SourceFile {
  std::string path;  // from the root of the tree, "/" between its parts
  std::string text;
};

// Every file below the folders that hold our own text, tests/vectors and other data left out.
std::vector<SourceFile> all_sources();
// Those that are C++.
std::vector<SourceFile> cpp_sources();
// One file; a missing one ends the test.
std::string read_source(std::string_view path);

// C++ text with its comments and the insides of its string and character literals taken out, line ends kept.
std::string code_of(std::string_view text);

}  // namespace openexec::lint
