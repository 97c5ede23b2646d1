// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/transcript.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>

#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

constexpr std::string_view any_value = "…";

[[noreturn]] void bad(const Transcript& transcript, std::size_t line, const std::string& what) {
  throw std::runtime_error(transcript.name + ".txt:" + std::to_string(line) + ": " + what);
}

void read_directive(Transcript& out, std::string_view line, std::size_t number) {
  const auto colon = line.find(": ");
  if (colon == std::string_view::npos) {
    bad(out, number, "neither a directive nor a comment");
  }
  const std::string name(line.substr(0, colon));
  const std::string value(line.substr(colon + 2));
  constexpr std::string_view approval = "approval ";
  constexpr std::string_view action = "action ";
  if (name.starts_with(approval)) {
    out.approvals.emplace(name.substr(approval.size()), value);
  } else if (name.starts_with(action)) {
    out.actions[name.substr(action.size())] += value + "\n";
  } else if (name == "config") {
    out.config.push_back(value);
  } else if (name == "doc" && value == "yes") {
    out.in_docs = true;
  } else if (name == "daemon" && value == "faults") {
    out.needs_faults = true;
  } else if (name == "needs" && value == "root") {
    out.needs_root = true;
  } else if (name == "mode" && (value == "clawshield" || value == "demo")) {
    out.is_clawshield = value == "clawshield";
  } else {
    bad(out, number, "unknown directive");
  }
}

void read_step(Transcript& out, std::string_view line, std::size_t number) {
  using Kind = TranscriptStep::Kind;
  constexpr std::array<std::pair<std::string_view, Kind>, 4> marks{
      {{"> ", Kind::send_line}, {">> ", Kind::send_bytes}, {"< ", Kind::expect}, {"! ", Kind::command}}};
  if (line.starts_with("  ") && !out.steps.empty()) {
    out.steps.back().text += line.substr(line.find_first_not_of(' '));
    return;
  }
  for (const auto& [mark, kind] : marks) {
    if (line.starts_with(mark)) {
      out.steps.push_back({kind, std::string(line.substr(mark.size())), number});
      return;
    }
  }
  bad(out, number, "neither sent, nor expected, nor a command");
}

Transcript read_transcript(const std::filesystem::path& path) {
  Transcript out;
  out.name = path.stem().string();
  std::istringstream text(read_file(path));
  std::string line;
  bool in_head = true;
  for (std::size_t number = 1; std::getline(text, line); ++number) {
    if (!in_head) {
      out.body += line + "\n";
    }
    if (line.empty()) {
      in_head = false;
    } else if (line.starts_with("# ")) {
      if (out.title.empty()) {
        out.title = line.substr(2);
      }
    } else if (in_head) {
      read_directive(out, line, number);
    } else {
      read_step(out, line, number);
    }
  }
  if (out.title.empty() || out.steps.empty()) {
    bad(out, 1, "a transcript has a title and says something");
  }
  return out;
}

}  // namespace

std::vector<Transcript> read_transcripts() {
  const auto folder = std::filesystem::path(OPENEXEC_SOURCE_DIR) / "tests" / "transcripts";
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt") {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<Transcript> out;
  for (const auto& file : files) {
    out.push_back(read_transcript(file));
  }
  REQUIRE_FALSE(out.empty());
  return out;
}

bool fits(const Json& expected, const Json& value) {
  if (expected.if_string() != nullptr && *expected.if_string() == any_value) {
    return true;
  }
  if (const Json::Object* members = expected.if_object()) {
    const Json::Object* others = value.if_object();
    return others != nullptr &&
           std::equal(members->begin(), members->end(), others->begin(), others->end(),
                      [](const Member& a, const Member& b) { return a.key == b.key && fits(a.value, b.value); });
  }
  if (const Json::Array* items = expected.if_array()) {
    const Json::Array* others = value.if_array();
    return others != nullptr && std::equal(items->begin(), items->end(), others->begin(), others->end(), fits);
  }
  return expected == value;
}

}  // namespace openexec::test
