#include <fmt/format.h>

#include "core/crash_point.hpp"
#include "sources/sqlite/aside.hpp"
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

Result<void> check_computed(Database& db, const LoadPlan& plan, const LoadRequest& request) {
  const Database::Discovering discovering{db};
  VMC_TRY(computed, db.prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden IN (2, 3)"));
  VMC_CHECK(db.bind(computed.get(), 1, request.table));
  for (;;) {
    VMC_TRY(more, db.step(computed.get()));
    if (!more) return {};
    const std::string_view name{reinterpret_cast<const char*>(sqlite3_column_text(computed.get(), 0))};
    for (const auto* column : plan.columns)
      if (column->name == name)
        return fail(Code::invalid_request,
                    fmt::format("load into '{}', column '{}': the database computes it; leave it out", request.table, name));
  }
}

Result<std::string> insert_text(const LoadPlan& plan, const LoadRequest& request) {
  const auto table = plan.aside ? aside_name(request.table, request.applied_scope).text() : request.table;
  VMC_TRY(target, sql::quote_table(sql::Dialect::sqlite, table));
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
  if (plan.aside) {
    VMC_CHECK(refuse_ended(applied, request, {kSwapPart, kDropPart}));
    VMC_CHECK(ensure_aside(db, request, plan));
  }
  VMC_CHECK(check_computed(db, plan, request));
  VMC_TRY(written, write_rows(db, plan, request, rows));
  VMC_CHECK(applied.record(written));
  crash_point("load.rows_written");
  VMC_CHECK(transaction.commit());
  crash_point("load.committed");
  return LoadOutcome{written, false};
}

}  // namespace vmc::sources::sqlite
