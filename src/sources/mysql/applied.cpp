#include "sources/mysql/applied.hpp"

#include <cstdlib>

#include "sql/dialect.hpp"

namespace vmc::sources::mysql {
namespace {

constexpr const char* kAppliedColumns =
    " (scope varchar(255) NOT NULL, part bigint NOT NULL, epoch bigint NOT NULL, `rows` bigint NOT NULL, applied_at "
    "datetime(6) NOT NULL, PRIMARY KEY (scope, part)) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";

std::int64_t number(const std::optional<std::string>& cell) {
  return cell ? std::strtoll(cell->c_str(), nullptr, 10) : 0;
}

}  // namespace

Result<bool> exists(Connection& db, const TableName& name) {
  VMC_TRY(there, ask_of_table(db,
                              "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) "
                              "AND TABLE_NAME = ?",
                              name));
  return !there.empty();
}

Result<void> ensure_applied(Connection& db, const LoadNames& names, const std::string& table) {
  VMC_TRY(there, exists(db, {table_name(table).schema, kAppliedTable}));
  if (there) return {};
  auto created = db.run("CREATE TABLE IF NOT EXISTS " + names.applied + kAppliedColumns);
  if (created || created.error().code != Code::write_not_permitted) return created;
  return fail(
      Code::write_not_permitted, "the database user may not create the table " + names.applied,
      "Create it: CREATE TABLE " + names.applied + kAppliedColumns + "; and GRANT SELECT, INSERT, UPDATE on it.");
}

Result<std::optional<LoadOutcome>> Applied::claim() {
  VMC_TRY(taken, Statement::prepare(db_, "INSERT INTO " + names_.applied +
                                             " (scope, part, epoch, `rows`, applied_at) VALUES (?, ?, ?, 0, "
                                             "UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE scope = VALUES(scope)"));
  Params row;
  row.text(request_.applied_scope).number(request_.part).number(request_.attempt_epoch);
  VMC_CHECK(taken.execute(row));
  if (taken.affected() == 1) return std::optional<LoadOutcome>{};
  Params part;
  part.text(request_.applied_scope).number(request_.part);
  VMC_TRY(earlier, ask(db_, "SELECT `rows`, epoch FROM " + names_.applied + " WHERE scope = ? AND part = ?", part));
  if (earlier.size() != 1) return fail(Code::conflict, "the record of this part vanished while it was read");
  if (number(earlier[0][1]) > request_.attempt_epoch)
    return newer_attempt(request_);
  return std::optional{LoadOutcome{number(earlier[0][0]), true}};
}

Result<void> Applied::record(std::int64_t rows) {
  VMC_TRY(update,
          Statement::prepare(db_, "UPDATE " + names_.applied + " SET `rows` = ? WHERE scope = ? AND part = ?"));
  Params params;
  params.number(rows).text(request_.applied_scope).number(request_.part);
  return update.execute(params);
}

Result<bool> Applied::has(std::int64_t part) {
  Params params;
  params.text(request_.applied_scope).number(part);
  VMC_TRY(found, ask(db_, "SELECT 1 FROM " + names_.applied + " WHERE scope = ? AND part = ?", params));
  return !found.empty();
}

Result<std::vector<std::string>> Applied::scopes_alive() {
  Params params;
  params.number(std::chrono::duration_cast<std::chrono::seconds>(kAsideKept).count());
  VMC_TRY(found, ask(db_, "SELECT DISTINCT a.scope FROM " + names_.applied +
                              " AS a WHERE a.part >= 0 AND a.applied_at > UTC_TIMESTAMP(6) - INTERVAL ? SECOND AND NOT "
                              "EXISTS (SELECT 1 FROM " +
                              names_.applied + " AS e WHERE e.scope = a.scope AND e.part < 0)",
                     params));
  std::vector<std::string> scopes;
  for (const auto& row : found) scopes.push_back(row[0].value_or(""));
  return scopes;
}

}  // namespace vmc::sources::mysql
