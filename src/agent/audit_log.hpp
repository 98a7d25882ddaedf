// The audit log: what commands did to this agent's databases, in files its owner can read, below its folder.
//
// Records are only ever appended (see audit_record.hpp). A command that cannot be recorded is not run: its start stands in
// the file before its database is touched, and room for its end is kept. That survives the end of the process at any
// moment; of a power cut only what writes: its start is on the disk before it begins, a read's with the system's next flush.
//
// audit/000000000001.ndjson is named by its first record. A full file is closed for good and never removed; the owner may
// move it away. The disk's space for the file in use is reserved when it is made.
//
// The vault remembers a late record: when an agent begins, with each new file, once an hour and at an orderly end. Who can
// write to the folder can cut off unseen what came after that, while no agent runs; nothing else.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "agent/audit_record.hpp"
#include "agent/file_handle.hpp"
#include "core/clock.hpp"
#include "crypto/secret.hpp"

namespace vmc::agent {

// A record that is known to have been written.
struct AuditHead {
  std::int64_t seq = 0;  // 0: none
  crypto::Digest digest{};
};

struct AuditSettings {
  std::filesystem::path folder;
  crypto::Secret key;
  AuditHead known;
  std::function<Result<void>(const AuditHead&)> remember;  // durably; blocking
  std::uint64_t file_bytes = 8u << 20;
};

class AuditLog {
 public:
  // Goes on after the last record, and after the one that is known at least. UNAVAILABLE when it cannot be written. One
  // at a time for a folder.
  static Result<std::unique_ptr<AuditLog>> open(AuditSettings settings, const Clock& clock);

  // Blocking, from any thread. UNAVAILABLE: it is not recorded and must not run.
  Result<void> start(const AuditedCommand& command);
  // Of a command that was started, or is refused. An end that cannot be written now is written before anything else starts.
  void end(const AuditedEnd& end);
  void close();  // orderly: what is written last is remembered

 private:
  AuditLog(AuditSettings settings, const Clock& clock)
      : settings_{std::move(settings)}, clock_{clock}, head_{settings_.known} {}
  Result<void> begin();
  Result<void> go_on(const std::filesystem::path& file, std::uint64_t whole, Json& opened);
  Result<void> make_file();
  bool is_ours() const;
  Result<void> ready(std::size_t bytes);
  Result<void> make_room(std::size_t bytes);
  Result<void> append(Json record, bool durable);
  Result<void> write_owed();
  Result<void> remember();
  void remember_or_warn();
  Error cannot(std::string_view what) const;

  AuditSettings settings_;
  const Clock& clock_;

  std::mutex mutex_;
  FileHandle file_;  // none: it cannot be written at the moment
  std::filesystem::path path_;
  std::uint64_t size_ = 0;
  AuditHead head_;
  std::set<std::string> started_;
  std::vector<Json> owed_;  // ends
  Micros remembered_at_ = 0;
  struct Failure {
    Micros at = 0;
    Error why;
  };
  std::optional<Failure> failed_;  // the last try to begin
};

// Files of a folder's log, oldest first; none where there is no folder.
Result<std::vector<std::filesystem::path>> audit_files(const std::filesystem::path& folder);
// Hands over the lines of a file until `take` says no; what stands behind the last line feed is being written.
Result<void> each_audit_line(const std::filesystem::path& file, const std::function<bool(std::string_view)>& take);

struct AuditCheck {
  std::int64_t records = 0, first = 0, last = 0;  // numbers of records
  std::vector<std::string> faults;                // the first ones; empty: it holds
};
// Looks at every record, and that the one which the vault remembers is among them.
Result<AuditCheck> check_audit(const std::filesystem::path& folder, ByteView key, const AuditHead& known);

}  // namespace vmc::agent
