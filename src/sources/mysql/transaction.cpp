// What is pinned before each use of a session, and why nothing of the one before is left.
#include <algorithm>

#include <fmt/format.h>

#include "sources/mysql/connection.hpp"

namespace vmc::sources::mysql {
namespace {

constexpr auto kLockLimit = std::chrono::seconds{10};
constexpr auto kIdleGrace = std::chrono::seconds{60};

// How texts are read (no ANSI_QUOTES, NO_BACKSLASH_ESCAPES, PIPES_AS_CONCAT, IGNORE_SPACE, HIGH_NOT_PRECEDENCE), and
// for a load: nothing is cut, rounded to zero or numbered by the server. Reading leaves out NO_ZERO_DATE, under which a
// zero date in an expression would become null.
constexpr std::string_view kReadMode = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";
constexpr std::string_view kLoadMode =
    "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO,"
    "NO_ENGINE_SUBSTITUTION";

std::int64_t whole_seconds(Duration limit) {
  return std::clamp<std::int64_t>(std::chrono::ceil<std::chrono::seconds>(limit).count(), 1, 31'536'000);
}

std::string pins(const Connection& db, Duration limit) {
  const bool reading = db.access() == Access::read;
  std::string text = "SET ";
  const auto pin = [&](std::string_view name, std::string_view value) {
    text += fmt::format("{}@@SESSION.{} = {}", text.size() == 4 ? "" : ", ", name, value);
  };
  pin("sql_mode", fmt::format("'{}'", reading ? kReadMode : kLoadMode));
  for (const char* name : {"character_set_client", "character_set_results", "character_set_connection"})
    pin(name, "utf8mb4");
  pin("collation_connection", "utf8mb4_general_ci");
  pin("time_zone", "'+00:00'");
  pin("autocommit", "1");
  pin("completion_type", "'NO_CHAIN'");
  pin("sql_auto_is_null", "0");
  pin("sql_safe_updates", "0");
  pin("sql_big_selects", "1");
  pin("sql_select_limit", "18446744073709551615");
  pin("div_precision_increment", "4");
  pin("group_concat_max_len", "16777216");
  pin("foreign_key_checks", "1");
  pin("unique_checks", "1");
  pin("sql_notes", reading ? "1" : "0");  // a load takes every warning for a failure
  pin("session_track_schema", "0");
  pin("session_track_state_change", "0");
  pin("session_track_system_variables", "''");
  const auto ms =
      std::clamp<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(limit).count(), 1, INT32_MAX);
  if (db.is_mariadb())
    pin("max_statement_time", fmt::format("{}.{:03}", ms / 1000, ms % 1000));
  else
    pin("max_execution_time", std::to_string(ms));
  const auto locks = std::to_string(whole_seconds(std::min<Duration>(limit, kLockLimit)));
  pin("lock_wait_timeout", locks);
  pin("innodb_lock_wait_timeout", locks);
  const auto idle = std::to_string(whole_seconds(limit + kIdleGrace));
  pin("wait_timeout", idle);
  pin("net_read_timeout", idle);
  pin("net_write_timeout", idle);
  return text;
}

}  // namespace

Result<void> Transaction::pin(Connection& db, Duration limit) {
  VMC_CHECK(db.start(limit));
  return db.run(pins(db, limit));
}

Result<Transaction> Transaction::begin(Connection& db, Duration limit, Writing how) {
  VMC_CHECK(pin(db, limit));
  const bool reading = db.access() == Access::read;
  const bool repeatable = reading || how == Writing::locking_gaps;
  VMC_CHECK(db.run(std::string{"SET SESSION TRANSACTION ISOLATION LEVEL "} +
                   (repeatable ? "REPEATABLE READ" : "READ COMMITTED") + (reading ? ", READ ONLY" : ", READ WRITE")));
  Transaction transaction{db};
  db.in_transaction_ = true;
  VMC_CHECK(db.run(reading ? "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY" : "START TRANSACTION READ WRITE"));
  return transaction;
}

Result<void> Transaction::commit() {
  VMC_CHECK(db_->go_on());
  VMC_CHECK(db_->run("COMMIT"));
  std::exchange(db_, nullptr)->in_transaction_ = false;
  return {};
}

}  // namespace vmc::sources::mysql
