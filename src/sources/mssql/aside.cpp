#include "sources/mssql/aside.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/crash_point.hpp"
#include "core/log.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::mssql {
namespace {

constexpr int kExists = 2714;

Result<bool> exists(Connection& db, const std::string& quoted) {
  Params params;
  params.text(quoted);
  VMC_TRY(found, db.run("SELECT CAST(OBJECT_ID(@p1, N'U') AS bigint) AS n", params));
  return !found.empty() && found[0][0].has_value();
}

// As far as the server shows the user other tables' foreign keys.
Result<void> refuse_reach(Connection& db, const LoadNames& names, const LoadRequest& request) {
  Params params;
  params.text(names.table);
  VMC_TRY(found, db.run("SELECT TOP (1) o.name FROM sys.foreign_keys AS k INNER JOIN sys.objects AS o ON o.object_id = "
                        "k.parent_object_id WHERE k.referenced_object_id = OBJECT_ID(@p1) AND k.parent_object_id <> "
                        "k.referenced_object_id AND k.delete_referential_action <> 0 ORDER BY o.name",
                        params));
  if (!found.empty()) return reached_by_cascade(request, text_of(found[0], 0));
  return {};
}

Result<bool> has_identity(Connection& db, const LoadNames& names, const LoadPlan& plan) {
  Params params;
  params.text(names.table);
  VMC_TRY(found, db.run("SELECT c.name FROM sys.columns AS c WHERE c.object_id = OBJECT_ID(@p1) AND c.is_identity = 1",
                        params));
  const auto named = [&](const auto* column) { return !found.empty() && column->name == text_of(found[0], 0); };
  return std::any_of(plan.columns.begin(), plan.columns.end(), named);
}

Result<void> take_over(Connection& db, const LoadNames& names, const LoadPlan& plan) {
  VMC_TRY(columns, column_list(sql::Dialect::mssql, plan));
  VMC_TRY(identity, has_identity(db, names, plan));
  if (identity) VMC_CHECK(db.run("SET IDENTITY_INSERT " + names.table + " ON"));
  VMC_CHECK(db.run(fmt::format("INSERT INTO {} ({}) SELECT {} FROM {}", names.table, columns, columns, names.aside)));
  if (identity) VMC_CHECK(db.run("SET IDENTITY_INSERT " + names.table + " OFF"));
  VMC_CHECK(db.run("DROP TABLE " + names.aside));
  return {};
}

Result<std::int64_t> exchange_rows(Connection& db, const LoadNames& names, const LoadPlan& plan) {
  VMC_CHECK(db.run("DELETE FROM " + names.table + " WITH (TABLOCKX, HOLDLOCK)"));
  VMC_TRY(laid_aside, exists(db, names.aside));
  if (laid_aside) VMC_CHECK(take_over(db, names, plan));
  VMC_TRY(counted, db.run("SELECT COUNT_BIG(*) AS n FROM " + names.table));
  return counted.empty() ? 0 : number_of(counted[0], 0);
}

Result<void> drop(Connection& db, const std::string& quoted) {
  VMC_CHECK(db.run(fmt::format("IF OBJECT_ID(N'{}', N'U') IS NOT NULL DROP TABLE {}", in_quotes(quoted), quoted)));
  return {};
}

Result<void> clear_away(Connection& db, Applied& applied, const LoadRequest& request) {
  VMC_CHECK(db.start(request.timeout));
  VMC_CHECK(db.pin(request.timeout, false));
  const auto schema_name = aside_name(request.table, request.applied_scope).schema.value_or("dbo");
  Params params;
  params.text(schema_name);
  VMC_TRY(rows, db.run("SELECT o.name FROM sys.objects AS o INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id "
                       "WHERE o.type = N'U' AND s.name = @p1 AND SUBSTRING(o.name, 1, 10) = N'vmc_aside_'",
                       params));
  std::vector<std::string> found;
  for (const auto& row : rows) found.push_back(text_of(row, 0));
  VMC_TRY(alive, applied.scopes_alive());
  VMC_TRY(schema, sql::quote(sql::Dialect::mssql, schema_name));
  for (const auto& name : abandoned(found, request.table, alive)) {
    VMC_TRY(quoted, sql::quote(sql::Dialect::mssql, name));
    VMC_CHECK(drop(db, schema + "." + quoted));
  }
  return {};
}

}  // namespace

Result<void> ensure_aside(Connection& db, const LoadNames& names, const LoadRequest& request, const LoadPlan& plan) {
  VMC_TRY(there, exists(db, names.aside));
  if (there) return {};
  Applied applied{db, names, request};
  VMC_TRY(needless, has_any(applied, {request.part, kSwapPart, kDropPart}));
  if (needless) return {};
  VMC_TRY(columns, column_list(sql::Dialect::mssql, plan));
  auto created = db.run(fmt::format("SELECT TOP (0) {} INTO {} FROM {}", columns, names.aside, names.table));
  if (created || db.error_number() == kExists) return {};  // else another part was first
  return creation_failed(db, std::move(created).error(), names.aside + ", which mode replace keeps its rows in",
                         "GRANT CREATE TABLE in the database and ALTER on the schema, or load with mode upsert.");
}

Result<LoadOutcome> swap(Connection& db, LoadRequest request, const data::TableInfo& table, std::int64_t rows) {
  request.part = kSwapPart;
  VMC_TRY(plan, plan_load(request, table));
  VMC_TRY(names, load_names(sql::Dialect::mssql, request));
  VMC_CHECK(ensure_applied(db, names, request.timeout));
  Applied applied{db, names, request};
  {
    VMC_TRY(transaction, Transaction::begin(db, request.timeout));
    VMC_TRY(earlier, applied.claim());
    if (earlier) return *earlier;
    VMC_CHECK(refuse_ended(applied, request, {kDropPart}));
    VMC_CHECK(refuse_reach(db, names, request));
    VMC_TRY(found, exchange_rows(db, names, plan));
    VMC_CHECK(check_swapped(request, rows, found));
    VMC_CHECK(applied.record(rows));
    crash_point("swap.filled");
    VMC_CHECK(transaction.commit());
  }
  crash_point("swap.committed");
  if (auto cleared = clear_away(db, applied, request); !cleared)
    log::warn("sources", "what ended runs have laid aside stays until the next swap",
              {{"error", cleared.error().text()}});
  return LoadOutcome{rows, false};
}

Result<void> drop_aside(Connection& db, LoadRequest request) {
  request.part = kDropPart;
  VMC_TRY(names, load_names(sql::Dialect::mssql, request));
  VMC_CHECK(ensure_applied(db, names, request.timeout));
  {
    VMC_TRY(transaction, Transaction::begin(db, request.timeout));
    Applied applied{db, names, request};
    VMC_TRY(earlier, applied.claim());
    (void)earlier;
    VMC_CHECK(transaction.commit());
  }
  VMC_CHECK(db.start(request.timeout));
  VMC_CHECK(db.pin(request.timeout, false));
  return drop(db, names.aside);
}

}  // namespace vmc::sources::mssql
