// A record of the audit log: one line of JSON that names the line before it by its SHA-256 ("prev") and ends with a seal,
// an HMAC-SHA-256 over the rest under a key of the vault. Anybody can follow the chain with sha256sum; who lacks the vault
// can make no record.
//
//   {"event":"start","seq":7,"time":…,"command":…,"operation":"query","connection":"erp","fingerprint":…,
//    "reads":{"customers":["id","name"]},"prev":…,"seal":…}
//   {"event":"end","seq":8,"time":…,"command":…,"outcome":"DONE","rows":2,"bytes":21,"prev":…,"seal":…}
//
// "event": "opened" (an agent begins to write), "start" and "end" of a command, "refused" (a command that was not started);
// schemas/audit.json has every field.
// "reads" and "writes" say what a command may touch; whether it did, its outcome says.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "core/json.hpp"
#include "crypto/hash.hpp"
#include "data/schema.hpp"
#include "wire/command.hpp"

namespace vmc::agent {

// What a command is about to do. Values of the statement are nowhere in it.
struct AuditedCommand {
  std::string command_id, execution_id, workflow, operation, connection;
  std::string fingerprint;  // SHA-256 of the statement's or the intent's shape, in hex
  data::Reads reads;        // tables and columns; the table "*": the server's own
  data::Reads writes;
};
// Of an intent or a load; of a statement all but its shape.
AuditedCommand audited(const wire::Command& command);

struct AuditedEnd {
  AuditedCommand command;
  std::string outcome = {};  // "DONE", or an error's name
  std::int64_t rows = 0, bytes = 0;  // read, or loaded
};

inline constexpr std::size_t kAuditStartMax = 64u << 10;  // bytes of a line; columns, then tables are counted beyond it
inline constexpr std::size_t kAuditEndMax = 4u << 10;     // of an end, or a refusal

Json start_record(const AuditedCommand& command);
Json end_record(const AuditedEnd& end);
Json refused_record(const AuditedEnd& end);

// The line without its line feed. `record` gets what chains it.
std::string audit_line(Json record, std::int64_t seq, Micros time, const crypto::Digest& previous, ByteView key);

struct AuditLine {
  std::int64_t seq = 0;
  std::string previous;  // in hex
  Json record;
  bool sealed = false;  // by this key
};
// Nothing where it is no record at all. Without a key nothing counts as sealed.
std::optional<AuditLine> read_audit_line(std::string_view line, ByteView key = {});

}  // namespace vmc::agent
