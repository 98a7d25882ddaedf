#include "sources/postgres/applied.hpp"

#include <fmt/format.h>

#include "sql/dialect.hpp"

namespace vmc::sources::postgres {
namespace {

constexpr const char* kAppliedColumns =
    " (scope text NOT NULL, part bigint NOT NULL, epoch bigint NOT NULL, rows bigint NOT NULL, applied_at timestamptz "
    "NOT NULL, PRIMARY KEY (scope, part))";

}  // namespace

Result<void> ensure_applied(Connection& db, const LoadNames& names, Duration limit) {
  VMC_CHECK(db.start(limit));
  Params params;
  params.text(names.applied, oid::text);
  const std::string search = "SELECT pg_catalog.to_regclass($1) IS NOT NULL";
  VMC_TRY(there, db.run(search, params));
  if (cell_true(there, 0, 0)) return {};
  auto created = db.run("CREATE TABLE IF NOT EXISTS " + names.applied + kAppliedColumns);
  if (created) return {};
  const auto state = db.sqlstate();
  if (state == "42501")
    return fail(Code::write_not_permitted, "the database user may not create the table " + names.applied,
                "Create it: CREATE TABLE " + names.applied + kAppliedColumns +
                    "; and GRANT SELECT, INSERT, UPDATE on it.");
  if (!is_created_meanwhile(state)) return std::move(created).error();
  return {};
}

// The table is there, or its row type is, or one of them is just being committed.
bool is_created_meanwhile(std::string_view sqlstate) {
  return sqlstate == "42P07" || sqlstate == "42710" || sqlstate == "23505";
}

Result<std::optional<LoadOutcome>> Applied::claim() {
  Params row;
  row.text(request_.applied_scope, oid::text).number(request_.part).number(request_.attempt_epoch);
  VMC_TRY(taken, db_.run("INSERT INTO " + names_.applied +
                             " (scope, part, epoch, rows, applied_at)"
                             " VALUES ($1, $2, $3, 0, pg_catalog.now()) ON CONFLICT (scope, part) DO NOTHING",
                         row));
  if (std::string_view{PQcmdTuples(taken.get())} == "1") return std::optional<LoadOutcome>{};
  Params part;
  part.text(request_.applied_scope, oid::text).number(request_.part);
  VMC_TRY(earlier, db_.run("SELECT rows, epoch FROM " + names_.applied + " WHERE scope = $1 AND part = $2", part));
  if (PQntuples(earlier.get()) != 1)
    return fail(Code::conflict, "the record of this part vanished while it was read");
  if (cell_number(earlier, 0, 1) > request_.attempt_epoch)
    return newer_attempt(request_);
  return std::optional{LoadOutcome{cell_number(earlier, 0, 0), true}};
}

Result<void> Applied::record(std::int64_t rows) {
  Params params;
  params.text(request_.applied_scope, oid::text).number(request_.part).number(rows);
  VMC_TRY(updated, db_.run("UPDATE " + names_.applied + " SET rows = $3 WHERE scope = $1 AND part = $2", params));
  (void)updated;
  return {};
}

Result<bool> Applied::has(std::int64_t part) {
  Params params;
  params.text(request_.applied_scope, oid::text).number(part);
  VMC_TRY(found, db_.run("SELECT 1 FROM " + names_.applied + " WHERE scope = $1 AND part = $2", params));
  return PQntuples(found.get()) > 0;
}

Result<std::vector<std::string>> Applied::scopes_alive() {
  Params params;
  params.number(std::chrono::duration_cast<std::chrono::seconds>(kAsideKept).count());
  VMC_TRY(found, db_.run("SELECT DISTINCT a.scope FROM " + names_.applied +
                             " a WHERE a.part >= 0 AND a.applied_at > pg_catalog.now() - $1 * interval '1 second' AND "
                             "NOT EXISTS (SELECT 1 FROM " +
                             names_.applied + " e WHERE e.scope = a.scope AND e.part < 0)",
                         params));
  std::vector<std::string> scopes;
  for (int row = 0; row < PQntuples(found.get()); ++row) scopes.push_back(cell(found, row, 0));
  return scopes;
}

}  // namespace vmc::sources::postgres
