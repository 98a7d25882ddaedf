#include "core/clock.hpp"
#include "core/crash_point.hpp"
#include "sources/load_plan.hpp"
#include "sources/sqlite/cells.hpp"
#include "sources/sqlite/declared_type.hpp"
#include "sources/sqlite/parts.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::sqlite {
namespace {

Result<void> check_affinities(const LoadPlan& plan, const LoadRequest& request) {
  for (const auto* column : plan.columns)
    if (!keeps_exactly(column->sql_type, column->type))
      return fail(Code::invalid_request,
                  "load into '" + request.table + "': SQLite would not keep the values of column '" +
                      column->name + "' exactly as it is declared",
                  "Declare it with text affinity, for example DECIMAL_TEXT(12,2) or TEXT.");
  return {};
}

Result<std::string> insert_text(const LoadPlan& plan, const LoadRequest& request) {
  VMC_TRY(target, sql::quote_table(sql::Dialect::sqlite, request.table));
  std::string columns, places, updates, key;
  for (std::size_t i = 0; i < plan.columns.size(); ++i) {
    VMC_TRY(name, sql::quote(sql::Dialect::sqlite, plan.columns[i]->name));
    columns += (i ? ", " : "") + name;
    places += (i ? ", ?" : "?") + std::to_string(i + 1);
    if (plan.key[i])
      key += (key.empty() ? "" : ", ") + name;
    else
      updates += (updates.empty() ? "" : ", ") + name + " = excluded." + name;
  }
  std::string text = "INSERT INTO " + target + " (" + columns + ") VALUES (" + places + ")";
  if (plan.upsert)
    text += " ON CONFLICT (" + key + ") DO " + (plan.only_keys ? "NOTHING" : "UPDATE SET " + updates);
  return text;
}

// The owner's own record of what has been committed here, a row a part.
class Applied {
 public:
  Applied(Database& db, const LoadRequest& request) : db_{db}, request_{request} {}

  Result<std::optional<LoadOutcome>> earlier() {
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
      return fail(Code::conflict, "a newer attempt has already written to '" + request_.table + "'");
    return std::optional{LoadOutcome{sqlite3_column_int64(same.get(), 0), true}};
  }

  Result<void> record(std::int64_t rows) {
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

 private:
  Database& db_;
  const LoadRequest& request_;
};

Result<std::int64_t> write_rows(Database& db, const LoadPlan& plan, const LoadRequest& request,
                                const BatchSource& rows) {
  VMC_TRY(text, insert_text(plan, request));
  VMC_TRY(statement, db.prepare(text));
  std::int64_t written = 0;
  for (;;) {
    VMC_TRY(batch, rows());
    if (!batch) return written;
    VMC_CHECK(check_batch(plan, request, *batch));
    for (std::size_t row = 0; row < batch->rows; ++row, ++written) {
      for (std::size_t i = 0; i < plan.columns.size(); ++i)
        if (const char* why =
                bind_cell(statement.get(), static_cast<int>(i + 1), *plan.columns[i], batch->columns[i], row))
          return fail(Code::invalid_request, "load into '" + request.table + "', column '" +
                                                 plan.columns[i]->name + "', row " +
                                                 std::to_string(written + 1) + ": " + why);
      VMC_TRY(more, db.step(statement.get()));
      (void)more;
      sqlite3_reset(statement.get());
    }
    sqlite3_clear_bindings(statement.get());
  }
}

}  // namespace

Result<LoadOutcome> load(Database& db, const LoadRequest& request, const data::TableInfo& table,
                         const BatchSource& rows) {
  VMC_TRY(plan, plan_load(request, table));
  VMC_CHECK(check_affinities(plan, request));
  VMC_CHECK(db.start(request.timeout));
  VMC_TRY(transaction, Transaction::begin(db, "BEGIN IMMEDIATE"));
  Applied applied{db, request};
  VMC_TRY(earlier, applied.earlier());
  if (earlier) return *earlier;
  VMC_TRY(written, write_rows(db, plan, request, rows));
  VMC_CHECK(applied.record(written));
  crash_point("load.rows_written");
  VMC_CHECK(transaction.commit());
  crash_point("load.committed");
  return LoadOutcome{written, false};
}

}  // namespace vmc::sources::sqlite
