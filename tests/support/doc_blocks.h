// SPDX-License-Identifier: Apache-2.0
// The fenced blocks of our documents, so that what they show is what is tested.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace openexec::test {

struct DocBlock {
  std::string language;  // behind the fence
  std::string path;      // of the file that its first line, a comment, names; empty when there is none
  std::string text;      // all of it
};

// The blocks of a document of ours, in order. None fails the test.
std::vector<DocBlock> doc_blocks(std::string_view document);
// The one that names that path; not to have it fails the test.
DocBlock doc_block(std::string_view document, std::string_view path);

}  // namespace openexec::test
