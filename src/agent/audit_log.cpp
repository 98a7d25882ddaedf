#include "agent/audit_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include "core/crash_point.hpp"
#include "core/log.hpp"
#include "core/version.hpp"

namespace vmc::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".ndjson";
constexpr std::size_t kNameDigits = 12;
constexpr std::size_t kFaultsMax = 20;
const auto kRememberEvery = micros(std::chrono::hours{1});
const auto kBeginAgain = micros(std::chrono::seconds{1});

std::string file_name(std::int64_t first) { return fmt::format("{:0{}}{}", first, kNameDigits, kEnding); }

// What a log goes on after: its last record, and the file that holds it.
struct Tail {
  AuditHead head;
  fs::path file;
  std::uint64_t whole = 0;  // bytes of its whole lines
};

// Lines that somebody else wrote do not count.
Result<Tail> tail_of(const fs::path& folder, ByteView key) {
  VMC_TRY(files, audit_files(folder));
  Tail tail;
  for (auto file = files.rbegin(); file != files.rend() && tail.head.seq == 0; ++file) {
    tail.file = *file;
    tail.whole = 0;
    VMC_CHECK(each_audit_line(*file, [&](std::string_view line) {
      tail.whole += line.size() + 1;
      if (const auto read = read_audit_line(line, key); read && read->sealed)
        tail.head = {read->seq, crypto::sha256(as_bytes(line))};
      return true;
    }));
  }
  return tail;
}

bool is_closed(const fs::path& file) {
  struct stat state {};
  return ::lstat(file.c_str(), &state) != 0 || !S_ISREG(state.st_mode) || !(state.st_mode & S_IWUSR);
}

// What a start that was cut off there has left.
void remove_empty(const fs::path& file) {
  struct stat state {};
  if (::lstat(file.c_str(), &state) == 0 && S_ISREG(state.st_mode) && state.st_size == 0) ::unlink(file.c_str());
}

// Not every file system can.
bool reserve(int file, std::uint64_t bytes) {
  return ::fallocate(file, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) == 0 || errno == EOPNOTSUPP;
}

}  // namespace

Result<std::vector<fs::path>> audit_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ec;
  fs::directory_iterator entry{folder, ec};
  for (; !ec && entry != fs::directory_iterator{}; entry.increment(ec)) {
    const auto stem = entry->path().stem().string();
    const bool named = stem.size() == kNameDigits && stem.find_first_not_of("0123456789") == stem.npos;
    if (named && entry->path().extension() == kEnding) files.push_back(entry->path());
  }
  if (ec && ec != std::errc::no_such_file_or_directory)
    return fail(Code::unavailable, fmt::format("cannot read {}: {}", folder.string(), ec.message()),
                "Check that it is a folder, and its permissions.");
  std::sort(files.begin(), files.end());
  return files;
}

Result<void> each_audit_line(const fs::path& file, const std::function<bool(std::string_view)>& take) {
  std::ifstream in{file, std::ios::binary};
  if (!in) return fail(Code::unavailable, fmt::format("cannot read {}", file.string()), "Check its permissions.");
  std::string line;
  while (std::getline(in, line) && !in.eof())
    if (!take(line)) return {};
  if (in.bad()) return fail(Code::unavailable, fmt::format("cannot read {}", file.string()));
  return {};
}

Result<std::unique_ptr<AuditLog>> AuditLog::open(AuditSettings settings, const Clock& clock) {
  std::unique_ptr<AuditLog> log{new AuditLog{std::move(settings), clock}};
  const std::lock_guard lock{log->mutex_};
  VMC_CHECK(log->begin());
  VMC_CHECK(log->remember());
  return log;
}

Error AuditLog::cannot(std::string_view what) const {
  return fail(Code::unavailable,
              fmt::format("the audit log cannot be written: {}: {}", what, std::generic_category().message(errno)),
              fmt::format("Nothing runs without it. Look at folder {} on the agent's machine, and at the space of its disk.",
                          settings_.folder.string()));
}

// Goes on in the file of the last record. Where what is there does not end as it should, in a new one that follows what is
// missing: the gap stays to be seen.
Result<void> AuditLog::begin() {
  file_ = FileHandle{};
  std::error_code ec;
  fs::create_directories(settings_.folder, ec);
  fs::permissions(settings_.folder, fs::perms::owner_all, ec);
  const auto there = tail_of(settings_.folder, settings_.key.view());
  if (!there) return fail(Code::unavailable, "the audit log cannot be written: " + there.error().message, there.error().hint);
  const auto& tail = *there;
  const bool whole = tail.head.seq > head_.seq || (tail.head.seq == head_.seq && tail.head.digest == head_.digest);
  Json opened{{"event", "opened"}, {"version", kVersion}};
  if (whole) {
    head_ = tail.head;
  } else {
    log::error("agent", "records of the audit log are gone",
               {{"folder", settings_.folder.string()}, {"after", tail.head.seq}, {"to", head_.seq}});
    opened["goneAfter"] = tail.head.seq;
  }
  if (whole && head_.seq > 0 && !is_closed(tail.file)) {
    VMC_CHECK(go_on(tail.file, tail.whole, opened));
    VMC_CHECK(make_room(kAuditEndMax));
  } else {
    VMC_CHECK(make_file());
  }
  return append(std::move(opened), true);
}

Result<void> AuditLog::go_on(const fs::path& file, std::uint64_t whole, Json& opened) {
  FileHandle found{::open(file.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC)};
  struct stat state {};
  if (!found || ::fstat(found.get(), &state) != 0) return cannot("opening its newest file");
  if (const auto bytes = static_cast<std::uint64_t>(state.st_size); whole < bytes) {
    opened["cutOff"] = bytes - whole;  // of a line that was being written when the machine stopped
    if (::ftruncate(found.get(), static_cast<off_t>(whole)) != 0) return cannot("cutting off half a line");
  }
  if (!reserve(found.get(), settings_.file_bytes)) return cannot("reserving its space");
  file_ = std::move(found);
  path_ = file;
  size_ = whole;
  return {};
}

// The one before stays in use until this one can take its place.
Result<void> AuditLog::make_file() {
  const auto path = settings_.folder / file_name(head_.seq + 1);
  remove_empty(path);
  if (file_ && ::fdatasync(file_.get()) != 0) return cannot("closing a full file");
  FileHandle made{::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR)};
  if (!made && errno == EEXIST)
    return fail(Code::unavailable, fmt::format("the audit log cannot be written: {} was made with another vault", path.string()),
                "Move the files of that log away; their records stay readable.");
  if (!made) return cannot("making a file");
  const FileHandle directory{::open(settings_.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!reserve(made.get(), settings_.file_bytes) || !directory || ::fsync(directory.get()) != 0) {
    const auto why = cannot("reserving space for a file");
    ::unlink(path.c_str());
    return why;
  }
  if (file_) {
    // It keeps no space it does not need and takes nothing more.
    const bool closed = ::ftruncate(file_.get(), static_cast<off_t>(size_)) == 0 && ::fchmod(file_.get(), S_IRUSR) == 0;
    if (!closed) log::warn("agent", "a full file of the audit log stays open to its owner", {{"file", path_.string()}});
  }
  file_ = std::move(made);
  path_ = path;
  size_ = 0;
  return {};
}

// Somebody may have moved the file away, or written to it.
bool AuditLog::is_ours() const {
  struct stat ours {}, there {};
  return file_ && ::fstat(file_.get(), &ours) == 0 && ::lstat(path_.c_str(), &there) == 0 &&
         ours.st_dev == there.st_dev && ours.st_ino == there.st_ino && static_cast<std::uint64_t>(ours.st_size) == size_;
}

Result<void> AuditLog::ready(std::size_t bytes) {
  if (is_ours()) return make_room(bytes);
  const auto now = clock_.now();
  if (failed_ && now >= failed_->at && now - failed_->at < kBeginAgain) return failed_->why;
  failed_.reset();
  if (auto begun = begin(); !begun) {
    failed_ = {now, begun.error()};
    return begun;
  }
  return make_room(bytes);
}

// For so many bytes and the ends of all that runs.
Result<void> AuditLog::make_room(std::size_t bytes) {
  const auto wanted = bytes + (started_.size() + owed_.size()) * kAuditEndMax;
  if (size_ == 0 || size_ + wanted <= settings_.file_bytes) return {};
  VMC_CHECK(make_file());
  remember_or_warn();
  return {};
}

Result<void> AuditLog::append(Json record, bool durable) {
  const auto seq = head_.seq + 1;
  auto line = audit_line(std::move(record), seq, clock_.now(), head_.digest, settings_.key.view());
  const auto digest = crypto::sha256(as_bytes(line));
  line += '\n';
  const auto written = ::write(file_.get(), line.data(), line.size());
  const bool whole = written == static_cast<ssize_t>(line.size());
  if (!whole || (durable && ::fdatasync(file_.get()) != 0)) {
    if (!whole && written >= 0) errno = ENOSPC;
    const auto why = cannot("adding a record");
    const bool undone = ::ftruncate(file_.get(), static_cast<off_t>(size_)) == 0;
    log::error("agent", "a record of the audit log was not written", {{"undone", undone ? "yes" : "no"}, {"error", why.text()}});
    file_ = FileHandle{};  // the space it had reserved is gone: it begins anew
    return why;
  }
  size_ += line.size();
  head_ = {seq, digest};
  return {};
}

Result<void> AuditLog::write_owed() {
  while (!owed_.empty()) {
    VMC_CHECK(ready(0));
    VMC_CHECK(append(owed_.front(), false));
    owed_.erase(owed_.begin());
  }
  return {};
}

Result<void> AuditLog::remember() {
  remembered_at_ = clock_.now();
  return settings_.remember(head_);
}

void AuditLog::remember_or_warn() {
  if (auto known = remember(); !known)
    log::warn("agent", "the vault does not remember the end of the audit log", {{"error", known.error().text()}});
}

Result<void> AuditLog::start(const AuditedCommand& command) {
  const std::lock_guard lock{mutex_};
  VMC_CHECK(write_owed());
  VMC_CHECK(ready(kAuditStartMax + kAuditEndMax));
  VMC_CHECK(append(start_record(command), !command.writes.empty()));
  started_.insert(command.command_id);
  crash_point("agent.audited");
  if (clock_.now() - remembered_at_ >= kRememberEvery) remember_or_warn();
  return {};
}

void AuditLog::end(const AuditedEnd& end) {
  const std::lock_guard lock{mutex_};
  const bool started = started_.erase(end.command.command_id) > 0;
  if (started) {
    owed_.push_back(end_record(end));
    if (auto written = write_owed(); !written)
      log::error("agent", "the end of a command is not in the audit log yet; nothing else runs before it is",
                 {{"command", end.command.command_id}, {"error", written.error().text()}});
    return;
  }
  auto written = ready(kAuditEndMax);
  if (written) written = append(refused_record(end), false);
  if (!written)
    log::debug("agent", "a refusal is not in the audit log",
               {{"command", end.command.command_id}, {"error", written.error().text()}});
}

void AuditLog::close() {
  const std::lock_guard lock{mutex_};
  remember_or_warn();
}

Result<AuditCheck> check_audit(const fs::path& folder, ByteView key, const AuditHead& known) {
  AuditCheck check;
  AuditHead before;
  VMC_TRY(files, audit_files(folder));
  for (const auto& file : files) {
    std::int64_t number = 0;
    const auto fault = [&](const std::string& what) {
      if (check.faults.size() < kFaultsMax)
        check.faults.push_back(fmt::format("{}, line {}: {}", file.filename().string(), number, what));
    };
    VMC_CHECK(each_audit_line(file, [&](std::string_view line) {
      ++number;
      const auto read = read_audit_line(line, key);
      if (!read || !read->sealed) {
        fault(read ? fmt::format("record {} was changed, or not made by this agent", read->seq) : "this is no record");
        return true;
      }
      ++check.records;
      const AuditHead now{read->seq, crypto::sha256(as_bytes(line))};
      const bool first = check.first == 0;
      if (first) check.first = now.seq;
      // What stands before the first record here may have been moved away.
      const bool follows = first ? now.seq > 1 || read->previous == to_hex(crypto::Digest{})
                                 : now.seq == before.seq + 1 && read->previous == to_hex(before.digest);
      if (!follows) fault(fmt::format("record {} does not follow record {}, which stands before it", now.seq, before.seq));
      if (read->record.contains("goneAfter")) fault(fmt::format("before record {} others were gone", now.seq));
      if (now.seq == known.seq && now.digest != known.digest)
        fault(fmt::format("record {} is not the one that was written", now.seq));
      before = now;
      return true;
    }));
  }
  check.last = before.seq;
  if (known.seq > check.last)
    check.faults.push_back(fmt::format("the log ends with record {}, though record {} was written", check.last, known.seq));
  return check;
}

}  // namespace vmc::agent
