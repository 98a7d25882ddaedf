#include "sources/odbc/applied.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "sources/odbc/parts.hpp"
#include "sql/odbc_sql.hpp"

namespace vmc::sources::odbc {
namespace {

Result<std::vector<std::string>> column_names(const Connection& db) {
  std::vector<std::string> quoted;
  for (const char* column : {"scope", "part", "epoch", "rows", "applied_at"}) {
    VMC_TRY(name, sql::quote(db.server(), column));
    quoted.push_back(std::move(name));
  }
  return quoted;
}

data::Timestamp ago(Duration duration) {
  const auto then = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now() - duration);
  return {std::chrono::microseconds{then.time_since_epoch()}.count()};
}

// The record's time, by this machine's clock in UTC: not every server tells its own.
std::string time_marker(const Connection& db) {
  data::ColumnInfo column;
  column.type = {data::Kind::timestamp};
  return sql::odbc::placeholder(db.server(), column, data::Timestamp{});
}

}  // namespace

Result<void> ensure_applied(Connection& db, const LoadNames& names, const LoadRequest& request) {
  if (!db.has_transactions())
    return fail(Code::invalid_request, "load into '" + request.table + "': the ODBC driver knows no transactions");
  const auto look = [&]() -> Result<bool> {
    VMC_TRY(transaction, Transaction::begin(db, request.timeout));
    return is_there(db, request, kAppliedTable);
  };
  VMC_TRY(there, look());
  if (there) return {};
  VMC_TRY(columns, column_names(db));
  const auto create = "CREATE TABLE " + names.applied +
                      fmt::format(fmt::runtime(db.customs().applied_columns), columns[0], columns[1], columns[2],
                                  columns[3], columns[4]);
  const auto made = run_alone(db, request, {create});
  if (made) return {};
  const auto meanwhile = look();
  if (meanwhile && *meanwhile) return {};
  return creation_failed(made.error(), names.applied,
                         "Create it: " + create + "; and GRANT SELECT, INSERT, UPDATE on it.");
}

Result<Applied> Applied::of(Connection& db, const LoadNames& names, const LoadRequest& request) {
  VMC_TRY(quoted, column_names(db));
  const auto &scope = quoted[0], &part = quoted[1], &epoch = quoted[2], &rows = quoted[3], &at = quoted[4];
  const auto of_part = fmt::format(" WHERE {} = ? AND {} = ?", scope, part);
  Applied out{db, request};
  out.hold_ = fmt::format("UPDATE {0} SET {1} = {1}{2}", names.applied, rows, of_part);
  out.look_ = fmt::format("SELECT {}, {} FROM {}{}", rows, epoch, names.applied, of_part);
  out.take_ = fmt::format("INSERT INTO {} ({}, {}, {}, {}, {}) VALUES (?, ?, ?, 0, {})", names.applied, scope, part,
                          epoch, rows, at, time_marker(db));
  out.write_ = fmt::format("UPDATE {} SET {} = ?{}", names.applied, rows, of_part);
  out.alive_ = fmt::format("SELECT DISTINCT a.{0} FROM {1} a WHERE a.{2} >= 0 AND a.{3} > {4} AND NOT EXISTS (SELECT 1 FROM "
                           "{1} e WHERE e.{0} = a.{0} AND e.{2} < 0)",
                           scope, names.applied, part, at, time_marker(db));
  return out;
}

Result<Table> Applied::run(const std::string& text, const std::vector<data::Value>& values) {
  return ask(db_, text, params_of(db_, values));
}

Result<std::optional<LoadOutcome>> Applied::claim() {
  const std::vector<data::Value> part{request_.applied_scope, request_.part};
  if (db_.customs().writes_first) VMC_CHECK(run(hold_, part));
  VMC_TRY(earlier, run(look_, part));
  if (!earlier.empty()) {
    if (number_of(earlier[0], 1) > request_.attempt_epoch) return newer_attempt(request_);
    return std::optional{LoadOutcome{number_of(earlier[0], 0), true}};
  }
  const auto taken = run(take_, {request_.applied_scope, request_.part, request_.attempt_epoch, ago({})});
  if (taken) return std::optional<LoadOutcome>{};
  if (taken.error().code != Code::conflict) return taken.error();
  return fail(Code::unavailable, "another attempt to load this part of '" + request_.table + "' ends just now",
              "Try again: it will find the part loaded.");
}

Result<void> Applied::record(std::int64_t rows) {
  VMC_CHECK(run(write_, {rows, request_.applied_scope, request_.part}));
  VMC_TRY(written, run(look_, {request_.applied_scope, request_.part}));
  if (written.size() == 1 && number_of(written[0], 0) == rows) return {};
  return fail(Code::database_error, "the database ended the transaction of a load into '" + request_.table + "' before its time",
              "A trigger that rolls back does so.");
}

Result<bool> Applied::has(std::int64_t part) {
  VMC_TRY(found, run(look_, {request_.applied_scope, part}));
  return !found.empty();
}

Result<std::vector<std::string>> Applied::scopes_alive() {
  VMC_TRY(found, run(alive_, {ago(kAsideKept)}));
  std::vector<std::string> scopes;
  for (const auto& row : found) scopes.push_back(text_of(row, 0));
  return scopes;
}

}  // namespace vmc::sources::odbc
