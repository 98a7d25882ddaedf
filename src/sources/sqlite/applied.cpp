#include "sources/sqlite/applied.hpp"

#include "core/clock.hpp"

namespace vmc::sources::sqlite {

Result<std::optional<LoadOutcome>> Applied::earlier() {
  VMC_CHECK(db_.run(
      "CREATE TABLE IF NOT EXISTS main.vmc_applied (scope TEXT NOT NULL, part INTEGER NOT NULL, epoch "
      "INTEGER NOT NULL, rows INTEGER NOT NULL, applied_at TEXT NOT NULL, PRIMARY KEY (scope, part))"));
  VMC_TRY(same, db_.prepare("SELECT rows, epoch FROM main.vmc_applied WHERE scope = ?1 AND part = ?2"));
  VMC_CHECK(db_.bind(same.get(), 1, request_.applied_scope));
  VMC_CHECK(db_.bind(same.get(), 2, request_.part));
  VMC_TRY(found, db_.step(same.get()));
  if (!found) return std::optional<LoadOutcome>{};
  // Attempts are counted a part: another part's number says nothing about this one.
  if (sqlite3_column_int64(same.get(), 1) > request_.attempt_epoch)
    return newer_attempt(request_);
  return std::optional{LoadOutcome{sqlite3_column_int64(same.get(), 0), true}};
}

Result<void> Applied::record(std::int64_t rows) {
  VMC_TRY(statement, db_.prepare("INSERT INTO main.vmc_applied (scope, part, epoch, rows, applied_at) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5)"));
  VMC_CHECK(db_.bind(statement.get(), 1, request_.applied_scope));
  VMC_CHECK(db_.bind(statement.get(), 2, request_.part));
  VMC_CHECK(db_.bind(statement.get(), 3, request_.attempt_epoch));
  VMC_CHECK(db_.bind(statement.get(), 4, rows));
  VMC_CHECK(db_.bind(statement.get(), 5, to_rfc3339(system_clock().now())));
  VMC_TRY(more, db_.step(statement.get()));
  (void)more;
  return {};
}

Result<bool> Applied::has(std::int64_t part) {
  VMC_TRY(search, db_.prepare("SELECT 1 FROM main.vmc_applied WHERE scope = ?1 AND part = ?2"));
  VMC_CHECK(db_.bind(search.get(), 1, request_.applied_scope));
  VMC_CHECK(db_.bind(search.get(), 2, part));
  return db_.step(search.get());
}

Result<std::vector<std::string>> Applied::scopes_alive() {
  VMC_TRY(search,
          db_.prepare("SELECT DISTINCT a.scope FROM main.vmc_applied a WHERE a.part >= 0 AND a.applied_at > ?1 AND NOT "
                      "EXISTS (SELECT 1 FROM main.vmc_applied e WHERE e.scope = a.scope AND e.part < 0)"));
  VMC_CHECK(db_.bind(search.get(), 1, to_rfc3339(system_clock().now() - micros(kAsideKept))));
  std::vector<std::string> scopes;
  for (;;) {
    VMC_TRY(more, db_.step(search.get()));
    if (!more) return scopes;
    scopes.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(search.get(), 0)));
  }
}

}  // namespace vmc::sources::sqlite
