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

std::string file_name(std::int64_t first) { return fmt::format("{:0{}}{}", first, kNameDigits, kEnding); }

// What a log goes on after: its last line, and how much of the newest file is whole lines.
struct Tail {
  AuditHead head;
  std::uint64_t whole = 0;
};

Result<Tail> tail_of(const std::vector<fs::path>& files) {
  Tail tail;
  for (auto file = files.rbegin(); file != files.rend() && tail.head.seq == 0; ++file) {
    std::uint64_t whole = 0;
    VMC_CHECK(each_audit_line(*file, [&](std::string_view line) {
      const auto read = read_audit_line(line);
      tail.head = {read ? read->seq : tail.head.seq + 1, crypto::sha256(as_bytes(line))};
      whole += line.size() + 1;
      return true;
    }));
    if (file == files.rbegin()) tail.whole = whole;
  }
  return tail;
}

}  // namespace

std::vector<fs::path> audit_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator{folder, ec}) {
    const auto stem = entry.path().stem().string();
    const bool named = stem.size() == kNameDigits && stem.find_first_not_of("0123456789") == stem.npos;
    if (named && entry.path().extension() == kEnding) files.push_back(entry.path());
  }
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

Result<std::unique_ptr<AuditLog>> AuditLog::open(fs::path folder, crypto::Secret key, const AuditHead& known,
                                                 const Clock& clock, std::uint64_t file_bytes) {
  std::unique_ptr<AuditLog> log{new AuditLog{std::move(folder), std::move(key), known, clock, file_bytes}};
  const std::lock_guard lock{log->mutex_};
  VMC_CHECK(log->begin());
  return log;
}

Error AuditLog::cannot(std::string_view what) const {
  return fail(Code::unavailable,
              fmt::format("the audit log cannot be written: {}: {}", what, std::generic_category().message(errno)),
              fmt::format("Nothing runs without it. Look at folder {} on the agent's machine, and at the space of its disk.",
                          folder_.string()));
}

// Goes on in the newest file. Where what is there does not end as it should, in a new one that follows what is missing: the
// gap stays to be seen.
Result<void> AuditLog::begin() {
  std::error_code ec;
  fs::create_directories(folder_, ec);
  fs::permissions(folder_, fs::perms::owner_all, ec);
  file_ = FileHandle{};
  const auto files = audit_files(folder_);
  VMC_TRY(tail, tail_of(files));
  const bool whole = tail.head.seq > head_.seq || (tail.head.seq == head_.seq && tail.head.digest == head_.digest);
  if (whole) head_ = tail.head;
  Json opened{{"event", "opened"}, {"version", kVersion}};
  struct stat state {};
  const bool goes_on = whole && !files.empty() && ::stat(files.back().c_str(), &state) == 0 && (state.st_mode & S_IWUSR);
  if (!goes_on) {
    if (!whole) {
      log::error("agent", "records of the audit log are gone",
                 {{"folder", folder_.string()}, {"after", tail.head.seq}, {"to", head_.seq}});
      opened["goneAfter"] = tail.head.seq;
    }
    VMC_CHECK(make_file());
    return append(std::move(opened), true);
  }
  file_ = FileHandle{::open(files.back().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)};
  if (!file_) return cannot("opening its newest file");
  if (const auto bytes = static_cast<std::uint64_t>(state.st_size); tail.whole < bytes) {
    opened["cutOff"] = bytes - tail.whole;  // of a line that was being written when the machine stopped
    if (::ftruncate(file_.get(), static_cast<off_t>(tail.whole)) != 0) return cannot("cutting off half a line");
  }
  size_ = tail.whole;
  VMC_CHECK(reserve());
  VMC_CHECK(make_room(kAuditEndMax));
  return append(std::move(opened), true);
}

// Not every file system can; where one can and has no space, there is no log.
Result<void> AuditLog::reserve() {
  if (::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(file_bytes_)) == 0 || errno == EOPNOTSUPP)
    return {};
  return cannot("reserving its space");
}

// The one before is complete: it keeps no space it does not need and takes nothing more.
Result<void> AuditLog::make_file() {
  if (file_) {
    const bool closed = ::ftruncate(file_.get(), static_cast<off_t>(size_)) == 0 && ::fdatasync(file_.get()) == 0 &&
                        ::fchmod(file_.get(), S_IRUSR) == 0;
    if (!closed) return cannot("closing a full file");
  }
  const auto path = folder_ / file_name(head_.seq + 1);
  file_ = FileHandle{::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR)};
  if (!file_) return cannot("making a file");
  const FileHandle directory{::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory || ::fsync(directory.get()) != 0) return cannot("keeping a file's name");
  size_ = 0;
  return reserve();
}

// Somebody may have moved the file away, or written to it.
bool AuditLog::is_ours() const {
  struct stat ours {};
  return file_ && ::fstat(file_.get(), &ours) == 0 && ours.st_nlink > 0 &&
         static_cast<std::uint64_t>(ours.st_size) == size_;
}

Result<void> AuditLog::ready(std::size_t bytes) {
  if (is_ours()) return make_room(bytes);
  VMC_CHECK(begin());
  return make_room(bytes);
}

// For so many bytes and the ends of all that runs.
Result<void> AuditLog::make_room(std::size_t bytes) {
  const auto wanted = bytes + (started_.size() + owed_.size()) * kAuditEndMax;
  if (size_ == 0 || size_ + wanted <= file_bytes_) return {};
  VMC_CHECK(make_file());
  log::info("agent", "a file of the audit log is full; the next one is begun",
            {{"folder", folder_.string()}, {"files", audit_files(folder_).size()}});
  return {};
}

Result<void> AuditLog::append(Json record, bool durable) {
  const auto seq = head_.seq + 1;
  auto line = audit_line(std::move(record), seq, clock_.now(), head_.digest, key_.view());
  const auto digest = crypto::sha256(as_bytes(line));
  line += '\n';
  const auto written = ::write(file_.get(), line.data(), line.size());
  const bool whole = written == static_cast<ssize_t>(line.size());
  if (!whole || (durable && ::fdatasync(file_.get()) != 0)) {
    if (!whole && written >= 0) errno = ENOSPC;
    const auto why = cannot("adding a record");
    if (::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) file_ = FileHandle{};  // read anew before the next
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

Result<void> AuditLog::start(const AuditedCommand& command) {
  const std::lock_guard lock{mutex_};
  VMC_CHECK(write_owed());
  VMC_CHECK(ready(kAuditStartMax + kAuditEndMax));
  VMC_CHECK(append(start_record(command), !command.writes.empty()));
  started_.insert(command.command_id);
  crash_point("agent.audited");
  return {};
}

void AuditLog::end(const AuditedEnd& end) {
  const std::lock_guard lock{mutex_};
  const bool started = started_.erase(end.command_id) > 0;
  if (!started) {
    auto written = ready(kAuditEndMax);
    if (written) written = append(end_record(end, started), false);
    if (!written)
      log::debug("agent", "a refusal is not in the audit log", {{"command", end.command_id}, {"error", written.error().text()}});
    return;
  }
  owed_.push_back(end_record(end, started));
  if (auto written = write_owed(); !written)
    log::error("agent", "the end of a command is not in the audit log yet; nothing else runs before it is",
               {{"command", end.command_id}, {"error", written.error().text()}});
}

AuditHead AuditLog::head() const {
  const std::lock_guard lock{mutex_};
  return head_;
}

Result<AuditCheck> check_audit(const fs::path& folder, ByteView key, const AuditHead& known) {
  AuditCheck check;
  AuditHead before;
  const auto fault = [&](std::string what) {
    if (check.faults.size() < kFaultsMax) check.faults.push_back(std::move(what));
  };
  for (const auto& file : audit_files(folder)) {
    std::int64_t number = 0;
    VMC_CHECK(each_audit_line(file, [&](std::string_view line) {
      ++number;
      ++check.records;
      const auto read = read_audit_line(line, key);
      const AuditHead now{read ? read->seq : before.seq + 1, crypto::sha256(as_bytes(line))};
      const bool begins = check.records == 1;
      if (begins) check.first = now.seq;
      const bool follows = begins ? now.seq != 1 || !read || read->previous == to_hex(crypto::Digest{})
                                  : read && now.seq == before.seq + 1 && read->previous == to_hex(before.digest);
      if (!read)
        fault(fmt::format("{}, line {}: this is no record", file.filename().string(), number));
      else if (!read->sealed)
        fault(fmt::format("{}, line {}: record {} was changed, or not made by this agent", file.filename().string(), number, now.seq));
      else if (!follows)
        fault(fmt::format("{}, line {}: record {} does not follow record {}, which stands before it",
                          file.filename().string(), number, now.seq, before.seq));
      if (read && read->sealed && read->record.contains("goneAfter"))
        fault(fmt::format("{}, line {}: before record {} others were gone", file.filename().string(), number, now.seq));
      if (now.seq == known.seq && now.digest != known.digest)
        fault(fmt::format("{}, line {}: record {} is not the one that was written", file.filename().string(), number, now.seq));
      before = now;
      return true;
    }));
  }
  check.last = before.seq;
  if (known.seq > check.last)
    fault(fmt::format("the log ends with record {}, though record {} was written", check.last, known.seq));
  return check;
}

}  // namespace vmc::agent
