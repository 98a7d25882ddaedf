#include "agent/status.hpp"

#include <fcntl.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

namespace vmc::agent {
namespace {

namespace fs = std::filesystem;

fs::path lock_file(const fs::path& folder) { return folder / "running.lock"; }
fs::path status_file(const fs::path& folder) { return folder / "status.json"; }

struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

Result<StatusFile> StatusFile::open(fs::path folder) {
  FileHandle file{::open(lock_file(folder).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!file)
    return fail(Code::unavailable, fmt::format("cannot write in folder {}", folder.string()),
                "Check its permissions.");
  auto lock = whole_file();
  if (fcntl(file.get(), F_OFD_SETLK, &lock) != 0)
    return fail(Code::conflict, fmt::format("an agent runs with folder {} already", folder.string()),
                "Stop that one first, or give this one a folder of its own with --state.");
  std::error_code ec;
  fs::remove(status_file(folder), ec);  // of an agent that ran before
  return StatusFile{std::move(folder), std::move(file)};
}

Result<void> StatusFile::write(const Json& status) const {
  const auto file = status_file(folder_), aside = fs::path{file.string() + ".new"};
  const auto text = to_text(status);
  FileHandle out{::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  const bool written = out &&
                       ::write(out.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       std::rename(aside.c_str(), file.c_str()) == 0;
  if (!written) return fail(Code::unavailable, fmt::format("cannot write {}", file.string()));
  return {};
}

Result<Json> read_status(const fs::path& folder) {
  constexpr std::size_t kBytesMax = 16u << 20;
  const auto silent = fail(Code::unavailable, fmt::format("no agent runs with folder {}", folder.string()),
                           "Start it with 'vmc agent', or name its folder with --state.");
  const FileHandle held{::open(lock_file(folder).c_str(), O_RDWR | O_CLOEXEC)};
  auto lock = whole_file();
  if (!held || fcntl(held.get(), F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return silent;
  std::ifstream in{status_file(folder)};
  if (!in) return fail(Code::unavailable, "the agent is starting and has told nothing yet", "Ask again.");
  std::stringstream text;
  text << in.rdbuf();
  return parse_json(text.str(), kBytesMax);
}

}  // namespace vmc::agent
