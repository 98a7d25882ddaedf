// The consent ledger: shapes of statements that were sent to connections with queries = "approved", and what their
// owner said. A shape that was not seen before waits; nothing of it runs until its owner says yes on this machine.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "sql/guard/shape.hpp"
#include "store/database.hpp"

namespace vmc::agent {

enum class Consent { waiting, approved, denied };
std::string_view to_string(Consent consent);

struct KnownShape {
  std::string connection;
  sql::Shape shape;
  Micros first_seen = 0, last_seen = 0;
  std::int64_t times = 0;
  Consent consent = Consent::waiting;
  std::optional<Micros> decided_at;

  std::string id() const { return shape.fingerprint.substr(0, kIdDigits); }
  static constexpr std::size_t kIdDigits = 12;
};

inline constexpr std::int64_t kWaitingShapesMax = 10'000;   // of a connection
inline constexpr std::int64_t kWaitingBytesMax = 16 << 20;  // of a connection
inline constexpr std::size_t kShapeBytesMax = 64 << 10;     // what an owner could still read
inline constexpr std::size_t kFingerprintDigitsMin = 6;     // of one that is named by its beginning

// Notes that a statement of this shape has come, and answers why it may not run, if so: APPROVAL_DENIED while it waits,
// when it was denied, or when there is no room for it to wait. No failure: what was noted stays.
std::optional<Error> ask_consent(store::Tx& tx, const std::string& connection, const sql::Shape& shape, Micros now);
// Newest first. An empty connection: of all; otherwise only those that wait unless `decided` ones are wanted too.
Result<std::vector<KnownShape>> known_shapes(store::Tx& tx, const std::string& connection, bool decided);
// Each named by the beginning of its fingerprint: NOT_FOUND, or CONFLICT when it could be several. All or none.
Result<std::vector<KnownShape>> decide(store::Tx& tx, const std::vector<std::string>& ids, bool yes, Micros now);

}  // namespace vmc::agent
