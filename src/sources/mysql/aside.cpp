#include "sources/mysql/aside.hpp"

#include <cstdlib>

#include "core/crash_point.hpp"
#include "core/log.hpp"
#include "sources/mysql/target.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::mysql {
namespace {

Result<void> drop(Connection& db, const std::string& quoted) { return db.run("DROP TABLE IF EXISTS " + quoted); }

// As far as the server shows the user other tables' foreign keys.
Result<void> refuse_reach(Connection& db, const LoadRequest& request) {
  VMC_TRY(found, ask_of_table(db,
                              "SELECT TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE "
                              "UNIQUE_CONSTRAINT_SCHEMA = COALESCE(?, DATABASE()) AND REFERENCED_TABLE_NAME = ? AND "
                              "DELETE_RULE NOT IN ('NO ACTION', 'RESTRICT') AND (CONSTRAINT_SCHEMA <> "
                              "UNIQUE_CONSTRAINT_SCHEMA OR TABLE_NAME <> REFERENCED_TABLE_NAME) ORDER BY 1 LIMIT 1",
                              table_name(request.table)));
  if (!found.empty()) return reached_by_cascade(request, found[0][0].value_or(""));
  return {};
}

Result<std::int64_t> exchange_rows(Connection& db, const LoadNames& names, const LoadPlan& plan, bool laid_aside) {
  VMC_TRY(columns, column_list(sql::Dialect::mysql, plan));
  VMC_CHECK(db.run("DELETE FROM " + names.table));
  if (laid_aside)
    VMC_CHECK(db.run("INSERT INTO " + names.table + " (" + columns + ") SELECT " + columns + " FROM " + names.aside));
  VMC_TRY(counted, ask(db, "SELECT COUNT(*) FROM " + names.table));
  return counted.empty() || !counted[0][0] ? 0 : std::strtoll(counted[0][0]->c_str(), nullptr, 10);
}

// Outside any transaction: what this run had laid aside, and what runs left that ended without a word.
Result<void> clear_away(Connection& db, const LoadNames& names, Applied& applied, const LoadRequest& request) {
  VMC_CHECK(Transaction::pin(db, request.timeout));
  VMC_CHECK(drop(db, names.aside));
  const auto own = aside_name(request.table, request.applied_scope);
  VMC_TRY(rows, ask_of_table(db,
                             "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = COALESCE(?, "
                             "DATABASE()) AND INSTR(TABLE_NAME, ?) = 1",
                             {own.schema, aside_family(request.table)}));
  std::vector<std::string> found;
  for (const auto& row : rows) found.push_back(row[0].value_or(""));
  VMC_TRY(alive, applied.scopes_alive());
  for (const auto& name : abandoned(found, request.table, alive)) {
    VMC_TRY(quoted, sql::quote_table(sql::Dialect::mysql, TableName{own.schema, name}.text()));
    VMC_CHECK(drop(db, quoted));
  }
  return {};
}

}  // namespace

Result<void> ensure_aside(Connection& db, const LoadNames& names, const LoadRequest& request) {
  VMC_TRY(there, exists(db, aside_name(request.table, request.applied_scope)));
  if (there) return {};
  Applied applied{db, names, request};
  VMC_TRY(needless, has_any(applied, {request.part, kSwapPart, kDropPart}));
  if (needless) return {};
  auto created = db.run("CREATE TABLE IF NOT EXISTS " + names.aside + " LIKE " + names.table);
  if (created || created.error().code != Code::write_not_permitted) return created;
  return fail(Code::write_not_permitted,
              "the database user may not create the table " + names.aside + ", which mode replace keeps its rows in",
              "GRANT CREATE, DROP, SELECT, INSERT, DELETE on the database, or load with mode upsert.");
}

Result<LoadOutcome> swap(Connection& db, LoadRequest request, const data::TableInfo& table, std::int64_t rows) {
  request.part = kSwapPart;
  VMC_TRY(plan, plan_load(request, table));
  VMC_TRY(names, load_names(sql::Dialect::mysql, request));
  VMC_CHECK(Transaction::pin(db, request.timeout));
  VMC_CHECK(ensure_applied(db, names, request.table));
  VMC_TRY(target, look_up(db, request, plan));  // one that can be rolled back
  (void)target;
  VMC_CHECK(refuse_reach(db, request));
  VMC_TRY(laid_aside, exists(db, aside_name(request.table, request.applied_scope)));
  Applied applied{db, names, request};
  std::optional<LoadOutcome> earlier;
  {
    // The DELETE locks every row and every gap, so that nobody adds one before the commit.
    VMC_TRY(transaction, Transaction::begin(db, request.timeout, Transaction::Writing::locking_gaps));
    VMC_TRY(claimed, applied.claim());
    earlier = claimed;
    if (!earlier) {
      VMC_CHECK(refuse_ended(applied, request, {kDropPart}));
      VMC_TRY(found, exchange_rows(db, names, plan, laid_aside));
      VMC_CHECK(check_swapped(request, rows, found));
      VMC_CHECK(applied.record(rows));
      crash_point("swap.filled");
      VMC_CHECK(transaction.commit());
    }
  }
  crash_point("swap.committed");
  if (auto cleared = clear_away(db, names, applied, request); !cleared)
    log::warn("sources", "what ended runs have laid aside stays until the next swap",
              {{"error", cleared.error().text()}});
  return earlier.value_or(LoadOutcome{rows, false});
}

Result<void> drop_aside(Connection& db, LoadRequest request) {
  request.part = kDropPart;
  VMC_TRY(names, load_names(sql::Dialect::mysql, request));
  VMC_CHECK(Transaction::pin(db, request.timeout));
  VMC_CHECK(ensure_applied(db, names, request.table));
  {
    VMC_TRY(transaction, Transaction::begin(db, request.timeout));
    Applied applied{db, names, request};
    VMC_TRY(earlier, applied.claim());
    (void)earlier;
    VMC_CHECK(transaction.commit());
  }
  return drop(db, names.aside);
}

}  // namespace vmc::sources::mysql
