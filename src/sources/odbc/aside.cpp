#include "sources/odbc/aside.hpp"

#include <fmt/format.h>

#include "core/crash_point.hpp"
#include "core/log.hpp"
#include "sources/odbc/parts.hpp"
#include "sql/odbc_sql.hpp"

namespace vmc::sources::odbc {
namespace {

template <class... Parts>
std::string made_of(const char* pattern, const Parts&... parts) {
  return fmt::format(fmt::runtime(pattern), parts...);
}

// Nothing: the table has one.
Result<std::optional<std::string>> index_on(const Connection& db, const LoadRequest& request,
                                            const std::vector<std::string>& key) {
  if (!db.customs().create_index) return std::optional<std::string>{};
  const auto& server = db.server();
  const auto name = aside_name(request.table, request.applied_scope);
  std::string columns;
  for (const auto& column : key) {
    VMC_TRY(quoted, sql::quote(server, column));
    columns += (columns.empty() ? "" : ", ") + quoted;
  }
  VMC_TRY(index, sql::quote(server, name.table + "_k"));
  VMC_TRY(table, sql::quote(server, name.table));
  const auto schema_name = schema_of(db, request);
  if (schema_name.empty()) return std::optional{fmt::format("CREATE INDEX {} ON {} ({})", index, table, columns)};
  VMC_TRY(schema, sql::quote(server, schema_name));
  return std::optional{made_of(db.customs().create_index, index, schema, table, columns)};
}

// What the driver tells of foreign keys: those that refer to the table's primary key.
Result<void> refuse_told_reach(Connection& db, const LoadRequest& request) {
  constexpr std::size_t kCatalogue = 4, kSchema = 5, kTable = 6, kOnDelete = 10;
  const auto about = tables_named(db, schema_of(db, request), table_name(request.table).table);
  VMC_TRY(statement, Statement::make(db));
  VMC_CHECK(statement.look_up(Statement::Catalogue::referring_keys, about));
  VMC_TRY(keys, statement.rows());
  for (const auto& key : keys) {
    const bool own = text_of(key, kTable) == *about.table && !is_elsewhere(db, text_of(key, kCatalogue)) &&
                     (!about.schema || text_of(key, kSchema) == *about.schema);
    const auto rule = number_of(key, kOnDelete);
    if (!own && rule != SQL_RESTRICT && rule != SQL_NO_ACTION) return reached_by_cascade(request, text_of(key, kTable));
  }
  return {};
}

// Rows that the table's DELETE would take from elsewhere, or change there.
Result<void> refuse_reach(Connection& db, const LoadRequest& request, const data::TableInfo& table) {
  if (db.customs().reaches) {
    VMC_TRY(reached, ask_of_table(db, db.customs().reaches, request));
    if (!reached.empty()) return reached_by_cascade(request, text_of(reached[0], 0));
  } else {
    VMC_CHECK(refuse_told_reach(db, request));
    if (db.server().family == Family::generic && !table.unique_keys.empty())
      return fail(Code::invalid_request,
                  "load into '" + request.table + "': which tables refer to its unique keys, the driver does not tell",
                  "Load with mode upsert.");
  }
  if (!db.customs().has_heirs) return {};
  VMC_TRY(heirs, ask_of_table(db, db.customs().has_heirs, request));
  if (heirs.empty()) return {};
  return fail(Code::invalid_request,
              "load into '" + request.table + "': other tables inherit from it, and their rows would be deleted too",
              "Load with mode upsert, or into each table by itself.");
}

Result<std::int64_t> exchange_rows(Connection& db, const LoadNames& names, const LoadPlan& plan, bool laid_aside) {
  VMC_TRY(columns, column_list(db.server(), plan));
  VMC_CHECK(db.run(made_of(db.customs().delete_all, names.table)));
  if (laid_aside)
    VMC_CHECK(db.run(fmt::format("INSERT INTO {} ({}){} SELECT {} FROM {}", names.table, columns,
                                 sql::odbc::before_values(db.server()), columns, names.aside)));
  if (db.customs().after_exchange) VMC_CHECK(db.run(db.customs().after_exchange));
  const auto* count = sql::odbc::speaks_tsql(db.server()) ? "COUNT_BIG" : "COUNT";
  VMC_TRY(counted, ask(db, fmt::format("SELECT {}(*) AS n FROM {}", count, names.table)));
  return counted.empty() ? 0 : number_of(counted[0], 0);
}

Result<void> drop(Connection& db, const LoadRequest& request, const std::string& name) {
  VMC_TRY(quoted, sql::quote_table(db.server(), TableName{table_name(request.table).schema, name}.text()));
  const auto dropped = run_alone(db, request, {"DROP TABLE " + quoted});
  if (dropped) return {};
  VMC_TRY(transaction, Transaction::begin(db, request.timeout));
  const auto there = is_there(db, request, name);  // or has somebody else dropped it?
  return there && !*there ? Result<void>{} : dropped;
}

// What this run had laid aside, and what runs left that ended without a word.
Result<void> clear_away(Connection& db, const LoadNames& names, const LoadRequest& request) {
  const auto found = [&]() -> Result<std::vector<std::string>> {
    VMC_TRY(transaction, Transaction::begin(db, request.timeout));
    VMC_TRY(family, tables_like(db, request, std::string{kAsidePrefix} + "%"));
    VMC_TRY(applied, Applied::of(db, names, request));
    VMC_TRY(alive, applied.scopes_alive());
    return abandoned(family, request.table, alive);
  };
  VMC_TRY(dead, found());
  for (const auto& name : dead) VMC_CHECK(drop(db, request, name));
  return {};
}

}  // namespace

Result<void> ensure_aside(Connection& db, const LoadNames& names, const LoadRequest& request, const LoadPlan& plan,
                          const std::vector<std::string>& key) {
  const auto bare = aside_name(request.table, request.applied_scope).table;
  const auto needless = [&]() -> Result<bool> {
    VMC_TRY(transaction, Transaction::begin(db, request.timeout));
    VMC_TRY(there, is_there(db, request, bare));
    if (there) return true;
    VMC_TRY(applied, Applied::of(db, names, request));
    return has_any(applied, {request.part, kSwapPart, kDropPart});
  };
  VMC_TRY(done, needless());
  if (done) return {};
  VMC_TRY(columns, column_list(db.server(), plan));
  VMC_TRY(index, index_on(db, request, key));
  std::vector<std::string> statements{made_of(db.customs().create_alike, names.aside, columns, names.table)};
  if (index) statements.push_back(*index);
  const auto made = run_alone(db, request, statements);
  if (made) return {};
  const auto meanwhile = needless();  // by another part
  if (meanwhile && *meanwhile) return {};
  return creation_failed(made.error(), names.aside + ", which mode replace keeps its rows in",
                         "GRANT what creates and drops tables beside it, or load with mode upsert.");
}

Result<LoadOutcome> swap(Connection& db, LoadRequest request, const data::TableInfo& table, std::int64_t rows) {
  request.part = kSwapPart;
  VMC_TRY(plan, plan_load(request, table));
  VMC_TRY(names, load_names(db.server(), request));
  VMC_CHECK(ensure_applied(db, names, request));
  std::optional<LoadOutcome> earlier;
  {
    VMC_TRY(transaction, Transaction::begin(db, request.timeout));
    for (const char* statement : db.customs().before_swap) VMC_CHECK(db.run(made_of(statement, names.table)));
    VMC_TRY(applied, Applied::of(db, names, request));
    VMC_TRY(claimed, applied.claim());
    earlier = claimed;
    if (!earlier) {
      VMC_CHECK(refuse_ended(applied, request, {kDropPart}));
      VMC_CHECK(check_transactions(db, request));
      VMC_CHECK(refuse_reach(db, request, table));
      VMC_TRY(laid_aside, is_there(db, request, aside_name(request.table, request.applied_scope).table));
      VMC_TRY(found, exchange_rows(db, names, plan, laid_aside));
      VMC_CHECK(check_swapped(request, rows, found));
      VMC_CHECK(applied.record(rows));
      crash_point("swap.filled");
      VMC_CHECK(transaction.commit());
    }
  }
  crash_point("swap.committed");
  if (auto cleared = clear_away(db, names, request); !cleared)
    log::warn("sources", "what ended runs have laid aside stays until the next swap",
              {{"error", cleared.error().text()}});
  return earlier.value_or(LoadOutcome{rows, false});
}

Result<void> drop_aside(Connection& db, LoadRequest request) {
  request.part = kDropPart;
  const auto bare = aside_name(request.table, request.applied_scope).table;
  VMC_TRY(names, load_names(db.server(), request));
  VMC_CHECK(ensure_applied(db, names, request));
  bool there = false;
  {
    VMC_TRY(transaction, Transaction::begin(db, request.timeout));
    VMC_TRY(applied, Applied::of(db, names, request));
    VMC_TRY(earlier, applied.claim());
    (void)earlier;
    VMC_TRY(found, is_there(db, request, bare));
    there = found;
    VMC_CHECK(transaction.commit());
  }
  return there ? drop(db, request, bare) : Result<void>{};
}

}  // namespace vmc::sources::odbc
