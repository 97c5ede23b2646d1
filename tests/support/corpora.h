// SPDX-License-Identifier: Apache-2.0
// Public test corpora, too large for this tree. They are looked for in $OPENEXEC_CORPORA, else in the folder
// shared/corpora next to the source folder. One that is not there is skipped, with a word about it; where CI is set in
// the environment, or OPENEXEC_CORPORA is, it fails the test instead.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace openexec {

// The file or folder of that name among the corpora; nothing when the test is to be skipped.
std::optional<std::filesystem::path> find_corpus(std::string_view name);

// The regular files of a folder, sorted by name. None fails the test.
std::vector<std::filesystem::path> corpus_files(const std::filesystem::path& folder);

}  // namespace openexec
