#include "sources/postgres/aside.hpp"

#include <algorithm>

#include "core/crash_point.hpp"
#include "core/log.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::postgres {
namespace {

Result<bool> exists(Connection& db, const std::string& quoted) {
  Params params;
  params.text(quoted, oid::text);
  VMC_TRY(found, db.run("SELECT pg_catalog.to_regclass($1) IS NOT NULL", params));
  return cell_true(found, 0, 0);
}

Result<void> done(Result<PgResult> result) {
  if (!result) return std::move(result).error();
  return {};
}

// What the load leaves out gets its default when the rows come into the table, not before.
Result<void> drop_other_columns(Connection& db, const LoadNames& names, const LoadPlan& plan) {
  Params params;
  params.text(names.aside, oid::text);
  VMC_TRY(found, db.run("SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = "
                        "pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped",
                        params));
  for (int row = 0; row < PQntuples(found.get()); ++row) {
    const auto name = cell(found, row, 0);
    const auto is_loaded = [&](const auto* column) { return column->name == name; };
    if (std::any_of(plan.columns.begin(), plan.columns.end(), is_loaded)) continue;
    VMC_TRY(quoted, sql::quote(sql::Dialect::postgres, name));
    VMC_CHECK(done(db.run("ALTER TABLE " + names.aside + " DROP COLUMN " + quoted)));
  }
  return {};
}

Result<void> create(Connection& db, const LoadNames& names, const LoadPlan& plan, Duration limit) {
  VMC_TRY(transaction, Transaction::begin(db, limit));
  VMC_CHECK(done(db.run("CREATE TABLE " + names.aside + " (LIKE " + names.table + " INCLUDING CONSTRAINTS)")));
  VMC_CHECK(drop_other_columns(db, names, plan));
  return transaction.commit();
}

// Rows that the table's DELETE would take from elsewhere, or not from where they are read.
Result<void> refuse_reach(Connection& db, const LoadNames& names, const LoadRequest& request) {
  Params params;
  params.text(names.table, oid::text);
  VMC_TRY(found, db.run("SELECT c.relname FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = "
                        "k.conrelid WHERE k.contype = 'f' AND k.confrelid = pg_catalog.to_regclass($1) AND k.conrelid "
                        "<> k.confrelid AND k.confdeltype NOT IN ('a', 'r') ORDER BY 1 LIMIT 1",
                        params));
  if (PQntuples(found.get()) > 0) return reached_by_cascade(request, cell(found, 0, 0));
  VMC_TRY(heirs, db.run("SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind = "
                        "'r' AND EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid)",
                        params));
  if (PQntuples(heirs.get()) == 0) return {};
  return fail(Code::invalid_request,
              "load into '" + request.table + "': other tables inherit from it, and their rows would be deleted too",
              "Load with mode upsert, or into each table by itself.");
}

Result<std::int64_t> exchange_rows(Connection& db, const LoadNames& names, const LoadPlan& plan) {
  VMC_TRY(columns, column_list(sql::Dialect::postgres, plan));
  // Readers see the old rows until the commit; nobody writes between the DELETE's snapshot and it.
  VMC_CHECK(done(db.run("LOCK TABLE " + names.table + " IN SHARE ROW EXCLUSIVE MODE")));
  VMC_CHECK(done(db.run("SET CONSTRAINTS ALL DEFERRED")));
  VMC_CHECK(done(db.run("DELETE FROM " + names.table)));
  VMC_TRY(laid_aside, exists(db, names.aside));
  if (laid_aside) {
    VMC_CHECK(done(db.run("INSERT INTO " + names.table + " (" + columns + ") OVERRIDING SYSTEM VALUE SELECT " +
                          columns + " FROM " + names.aside)));
    VMC_CHECK(done(db.run("DROP TABLE " + names.aside)));
  }
  VMC_CHECK(done(db.run("SET CONSTRAINTS ALL IMMEDIATE")));
  VMC_TRY(counted, db.run("SELECT count(*) FROM " + names.table));
  return cell_number(counted, 0, 0);
}

Result<void> clear_away(Connection& db, Applied& applied, const LoadRequest& request, Duration limit) {
  VMC_CHECK(db.start(limit));
  const auto own = aside_name(request.table, request.applied_scope);
  Params params;
  params.text(own.schema.value_or("public"), oid::text);
  VMC_TRY(found, db.run("SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
                        "c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname LIKE 'vmc\\_aside\\_%'",
                        params));
  std::vector<std::string> names;
  for (int row = 0; row < PQntuples(found.get()); ++row) names.push_back(cell(found, row, 0));
  VMC_TRY(alive, applied.scopes_alive());
  VMC_TRY(schema, sql::quote(sql::Dialect::postgres, own.schema.value_or("public")));
  for (const auto& name : abandoned(names, request.table, alive)) {
    VMC_TRY(quoted, sql::quote(sql::Dialect::postgres, name));
    VMC_CHECK(done(db.run("DROP TABLE IF EXISTS " + schema + "." + quoted)));
  }
  return {};
}

}  // namespace

Result<void> ensure_aside(Connection& db, const LoadNames& names, const LoadRequest& request, const LoadPlan& plan) {
  Params params;
  params.text(names.aside, oid::text).text(request.applied_scope, oid::text).number(request.part);
  VMC_TRY(found, db.run("SELECT pg_catalog.to_regclass($1) IS NOT NULL OR EXISTS (SELECT 1 FROM " + names.applied +
                            " WHERE scope = $2 AND (part = $3 OR part < 0))",
                        params));
  if (cell_true(found, 0, 0)) return {};
  auto created = create(db, names, plan, request.timeout);
  if (created) return {};
  const auto state = db.sqlstate();
  if (is_created_meanwhile(state)) return {};  // another part was first
  if (state != "42501") return created;
  return fail(Code::write_not_permitted,
              "the database user may not create the table " + names.aside + ", which mode replace keeps its rows in",
              "GRANT CREATE on the table's schema, or load with mode upsert.");
}

Result<LoadOutcome> swap(Connection& db, LoadRequest request, const data::TableInfo& table, std::int64_t rows) {
  request.part = kSwapPart;
  VMC_TRY(plan, plan_load(request, table));
  VMC_TRY(names, load_names(sql::Dialect::postgres, request));
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
  if (auto cleared = clear_away(db, applied, request, request.timeout); !cleared)
    log::warn("sources", "what ended runs have laid aside stays until the next swap",
              {{"error", cleared.error().text()}});
  return LoadOutcome{rows, false};
}

Result<void> drop_aside(Connection& db, LoadRequest request) {
  request.part = kDropPart;
  VMC_TRY(names, load_names(sql::Dialect::postgres, request));
  VMC_CHECK(ensure_applied(db, names, request.timeout));
  {
    VMC_TRY(transaction, Transaction::begin(db, request.timeout));
    Applied applied{db, names, request};
    VMC_TRY(earlier, applied.claim());
    (void)earlier;
    VMC_CHECK(transaction.commit());
  }
  VMC_TRY(transaction, Transaction::begin(db, request.timeout));
  VMC_CHECK(done(db.run("DROP TABLE IF EXISTS " + names.aside)));
  return transaction.commit();
}

}  // namespace vmc::sources::postgres
