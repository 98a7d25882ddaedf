// Loads: LOAD DATA LOCAL of a stream out of memory into a temporary table, then one statement that merges it; where the
// server takes no such stream, inserts of many rows.
#include "core/crash_point.hpp"
#include "sources/mysql/stage.hpp"
#include "sources/mysql/target.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::mysql {
namespace {

// The table and vmc_applied beside it, quoted.
struct Names {
  std::string table;
  std::string applied;
};

Result<Names> names_of(const std::string& table) {
  VMC_TRY(quoted, sql::quote_table(sql::Dialect::mysql, table));
  const auto name = catalogue_name(table);
  std::string schema;
  if (name.schema) {
    VMC_TRY(quoted_schema, sql::quote(sql::Dialect::mysql, *name.schema));
    schema = quoted_schema + ".";
  }
  return Names{std::move(quoted), schema + kAppliedTable};
}

constexpr const char* kAppliedColumns =
    " (scope varchar(255) NOT NULL, part bigint NOT NULL, epoch bigint NOT NULL, `rows` bigint NOT NULL, applied_at "
    "datetime(6) NOT NULL, PRIMARY KEY (scope, part)) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";

// Once a database; outside any transaction, which it would commit.
Result<void> ensure_applied(Connection& db, const Names& names, const std::string& table) {
  auto name = catalogue_name(table);
  name.table = kAppliedTable;
  VMC_TRY(there, ask_of_table(db,
                              "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) "
                              "AND TABLE_NAME = ?",
                              name.schema ? *name.schema + "." + name.table : name.table));
  if (!there.empty()) return {};
  auto created = db.run("CREATE TABLE IF NOT EXISTS " + names.applied + kAppliedColumns);
  if (created || created.error().code != Code::write_not_permitted) return created;
  return fail(
      Code::write_not_permitted, "the database user may not create the table " + names.applied,
      "Create it: CREATE TABLE " + names.applied + kAppliedColumns + "; and GRANT SELECT, INSERT, UPDATE on it.");
}

class Applied {
 public:
  Applied(Connection& db, const Names& names, const LoadRequest& request) : db_{db}, names_{names}, request_{request} {}

  // Takes the part's row, so that a second load of the part waits here until this one has ended.
  Result<std::optional<LoadOutcome>> claim() {
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
      return fail(Code::conflict, "a newer attempt has already written to '" + request_.table + "'");
    return std::optional{LoadOutcome{number(earlier[0][0]), true}};
  }

  Result<void> record(std::int64_t rows) {
    VMC_TRY(update,
            Statement::prepare(db_, "UPDATE " + names_.applied + " SET `rows` = ? WHERE scope = ? AND part = ?"));
    Params params;
    params.number(rows).text(request_.applied_scope).number(request_.part);
    return update.execute(params);
  }

 private:
  static std::int64_t number(const std::optional<std::string>& cell) {
    return cell ? std::strtoll(cell->c_str(), nullptr, 10) : 0;
  }
  Connection& db_;
  const Names& names_;
  const LoadRequest& request_;
};

// The statements that take the staged rows into the table.
class Merge {
 public:
  Merge(Connection& db, const Names& names, const LoadPlan& plan, const Target& target)
      : db_{db}, names_{names}, plan_{plan}, target_{target} {}

  Result<void> run() {
    for (std::size_t i = 0; i < target_.columns.size(); ++i) VMC_CHECK(name_column(i));
    const std::string insert =
        "INSERT INTO " + names_.table + " (" + columns_ + ") SELECT " + staged_ + " FROM " + kStage + " AS s";
    const std::string in_order = std::string{" ORDER BY s."} + kStageOrdinal;
    if (!plan_.upsert) return db_.run(insert + in_order);
    // Row by row and in their order, so that of two rows with one key the last wins.
    if (!target_.other_keys) return db_.run(insert + in_order + " ON DUPLICATE KEY UPDATE " + replaced_);
    // ON DUPLICATE KEY would follow any unique key: another row than the one with this key could be changed.
    VMC_CHECK(keep_last());
    const std::string same = " ON " + matched_;
    if (!plan_.only_keys)
      VMC_CHECK(db_.run("UPDATE " + names_.table + " AS t JOIN " + kStage + " AS s" + same + " SET " + assigned_));
    return db_.run(insert + " LEFT JOIN " + names_.table + " AS t" + same + " WHERE t." + first_key_ + " IS NULL" +
                   in_order);
  }

 private:
  Result<void> name_column(std::size_t i) {
    const auto& column = target_.columns[i];
    VMC_TRY(name, sql::quote(sql::Dialect::mysql, column.name));
    const std::string comma = i ? ", " : "";
    columns_ += comma + name;
    staged_ += comma + "s." + name;
    const auto add = [](std::string& to, const char* by, const std::string& part) {
      to += (to.empty() ? "" : by) + part;
    };
    if (!plan_.key[i]) {
      add(replaced_, ", ", name + " = VALUES(" + name + ")");
      add(assigned_, ", ", "t." + name + " = s." + name);
      return {};
    }
    if (plan_.only_keys) add(replaced_, ", ", name + " = VALUES(" + name + ")");
    if (first_key_.empty()) first_key_ = name;
    // The staged text as the column itself compares it.
    const auto own = column.charset.empty()
                         ? "s." + name
                         : "CONVERT(s." + name + " USING " + column.charset + ") COLLATE " + column.collation;
    add(matched_, " AND ", "t." + name + " = " + own);
    add(grouped_, ", ", own);
    return {};
  }

  Result<void> keep_last() {
    VMC_CHECK(db_.run(std::string{"INSERT INTO "} + kLastRows + " SELECT MAX(s." + kStageOrdinal + ") FROM " + kStage +
                      " AS s GROUP BY " + grouped_));
    return db_.run(std::string{"DELETE s FROM "} + kStage + " AS s LEFT JOIN " + kLastRows + " AS l ON l.n = s." +
                   kStageOrdinal + " WHERE l.n IS NULL");
  }

  Connection& db_;
  const Names& names_;
  const LoadPlan& plan_;
  const Target& target_;
  std::string columns_, staged_, replaced_, assigned_, matched_, grouped_, first_key_;
};

}  // namespace

Result<LoadOutcome> load(Connection& db, const LoadRequest& request, const data::TableInfo& table,
                         const BatchSource& rows) {
  VMC_TRY(plan, plan_load(request, table));
  VMC_TRY(names, names_of(request.table));
  VMC_CHECK(Transaction::pin(db, request.timeout));
  VMC_CHECK(ensure_applied(db, names, request.table));
  VMC_TRY(target, look_up(db, request, plan));
  const bool staged = plan.upsert || !target.straight;
  if (staged) VMC_CHECK(create_stage(db, request, target));
  VMC_TRY(transaction, Transaction::begin(db, request.timeout));
  Applied applied{db, names, request};
  VMC_TRY(earlier, applied.claim());
  if (earlier) return *earlier;
  VMC_TRY(written, write_rows(db, staged ? kStage : names.table, request, plan, target, rows));
  if (staged) VMC_CHECK((Merge{db, names, plan, target}.run()));
  VMC_CHECK(applied.record(written));
  crash_point("load.rows_written");
  VMC_CHECK(transaction.commit());
  crash_point("load.committed");
  return LoadOutcome{written, false};
}

}  // namespace vmc::sources::mysql
