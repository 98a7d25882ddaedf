#include "sources/sqlite/aside.hpp"

#include "core/crash_point.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::sqlite {
namespace {

// The first column of each row of `text`, which may have one parameter.
Result<std::vector<std::string>> texts(Database& db, const std::string& text, const std::string* parameter = nullptr) {
  const Database::Discovering discovering{db};
  VMC_TRY(statement, db.prepare(text));
  if (parameter) VMC_CHECK(db.bind(statement.get(), 1, *parameter));
  std::vector<std::string> out;
  for (;;) {
    VMC_TRY(more, db.step(statement.get()));
    if (!more) return out;
    out.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), 0)));
  }
}

Result<void> refuse_reach(Database& db, const LoadRequest& request) {
  const auto table = table_name(request.table).table;
  VMC_TRY(reached, texts(db,
                         "SELECT m.name FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table' "
                         "AND f.\"table\" = ?1 COLLATE NOCASE AND m.name <> ?1 COLLATE NOCASE AND f.on_delete NOT IN "
                         "('NO ACTION', 'RESTRICT') ORDER BY m.name LIMIT 1",
                         &table));
  if (!reached.empty()) return reached_by_cascade(request, reached[0]);
  return {};
}

Result<std::int64_t> count(Database& db, const std::string& table) {
  VMC_TRY(statement, db.prepare("SELECT count(*) FROM " + table));
  VMC_TRY(found, db.step(statement.get()));
  return found ? sqlite3_column_int64(statement.get(), 0) : 0;
}

Result<std::int64_t> exchange_rows(Database& db, const LoadRequest& request, const LoadNames& names,
                                   const LoadPlan& plan) {
  VMC_TRY(columns, column_list(sql::Dialect::sqlite, plan));
  VMC_CHECK(db.run("PRAGMA defer_foreign_keys = 1"));  // until the commit: rows that stay may be referred to
  VMC_CHECK(db.run("DELETE FROM " + names.table));
  const std::string search = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?1";
  const auto bare = aside_name(request.table, request.applied_scope).table;
  VMC_TRY(laid_aside, texts(db, search, &bare));
  if (!laid_aside.empty()) {
    VMC_CHECK(db.run("INSERT INTO " + names.table + " (" + columns + ") SELECT " + columns + " FROM " + names.aside +
                     " ORDER BY rowid"));
    VMC_CHECK(db.run("DROP TABLE " + names.aside));
  }
  return count(db, names.table);
}

Result<void> clear_away(Database& db, Applied& applied, const LoadRequest& request) {
  VMC_TRY(names, texts(db,
                       "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'vmc\\_aside\\_%' ESCAPE "
                       "'\\'"));
  VMC_TRY(alive, applied.scopes_alive());
  for (const auto& name : abandoned(names, request.table, alive)) {
    VMC_TRY(quoted, sql::quote(sql::Dialect::sqlite, name));
    VMC_CHECK(db.run("DROP TABLE main." + quoted));
  }
  return {};
}

}  // namespace

// Without types: values stay as they are bound until the table's own columns take them.
Result<void> ensure_aside(Database& db, const LoadRequest& request, const LoadPlan& plan) {
  VMC_TRY(names, load_names(sql::Dialect::sqlite, request));
  std::string columns;
  for (const auto* column : plan.columns) {
    VMC_TRY(name, sql::quote(sql::Dialect::sqlite, column->name));
    columns += (columns.empty() ? "" : ", ") + name + (column->nullable ? "" : " NOT NULL");
  }
  return db.run("CREATE TABLE IF NOT EXISTS " + names.aside + " (" + columns + ")");
}

Result<LoadOutcome> swap(Database& db, LoadRequest request, const data::TableInfo& table, std::int64_t rows) {
  request.part = kSwapPart;
  VMC_TRY(plan, plan_load(request, table));
  VMC_TRY(names, load_names(sql::Dialect::sqlite, request));
  VMC_CHECK(db.start(request.timeout));
  VMC_TRY(transaction, Transaction::begin(db, "BEGIN IMMEDIATE"));
  Applied applied{db, request};
  VMC_TRY(earlier, applied.earlier());
  if (earlier) return *earlier;
  VMC_CHECK(refuse_ended(applied, request, {kDropPart}));
  VMC_CHECK(refuse_reach(db, request));
  VMC_TRY(found, exchange_rows(db, request, names, plan));
  VMC_CHECK(check_swapped(request, rows, found));
  VMC_CHECK(applied.record(rows));
  VMC_CHECK(clear_away(db, applied, request));
  crash_point("swap.filled");
  VMC_CHECK(transaction.commit());
  crash_point("swap.committed");
  return LoadOutcome{rows, false};
}

Result<void> drop_aside(Database& db, LoadRequest request) {
  request.part = kDropPart;
  VMC_TRY(names, load_names(sql::Dialect::sqlite, request));
  VMC_CHECK(db.start(request.timeout));
  VMC_TRY(transaction, Transaction::begin(db, "BEGIN IMMEDIATE"));
  Applied applied{db, request};
  VMC_TRY(earlier, applied.earlier());
  if (!earlier) VMC_CHECK(applied.record(0));
  VMC_CHECK(db.run("DROP TABLE IF EXISTS " + names.aside));
  return transaction.commit();
}

}  // namespace vmc::sources::sqlite
