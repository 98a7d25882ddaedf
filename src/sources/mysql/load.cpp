// Loads: LOAD DATA LOCAL of a stream out of memory into a temporary table, then one statement that merges it; where the
// server takes no such stream, inserts of many rows.
#include "core/crash_point.hpp"
#include "sources/mysql/aside.hpp"
#include "sources/mysql/stage.hpp"
#include "sources/mysql/target.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::mysql {
namespace {

// The statements that take the staged rows into the table.
class Merge {
 public:
  Merge(Connection& db, const std::string& table, const LoadPlan& plan, const Target& target)
      : db_{db}, table_{table}, plan_{plan}, target_{target} {}

  Result<void> run() {
    for (std::size_t i = 0; i < target_.columns.size(); ++i) VMC_CHECK(name_column(i));
    const std::string insert =
        "INSERT INTO " + table_ + " (" + columns_ + ") SELECT " + staged_ + " FROM " + kStage + " AS s";
    const std::string in_order = std::string{" ORDER BY s."} + kStageOrdinal;
    if (!plan_.upsert) return db_.run(insert + in_order);
    // Row by row and in their order, so that of two rows with one key the last wins.
    if (!target_.other_keys) return db_.run(insert + in_order + " ON DUPLICATE KEY UPDATE " + replaced_);
    // ON DUPLICATE KEY would follow any unique key: another row than the one with this key could be changed.
    VMC_CHECK(keep_last());
    const std::string same = " ON " + matched_;
    if (!plan_.only_keys)
      VMC_CHECK(db_.run("UPDATE " + table_ + " AS t JOIN " + kStage + " AS s" + same + " SET " + assigned_));
    return db_.run(insert + " LEFT JOIN " + table_ + " AS t" + same + " WHERE t." + first_key_ + " IS NULL" +
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
  const std::string& table_;
  const LoadPlan& plan_;
  const Target& target_;
  std::string columns_, staged_, replaced_, assigned_, matched_, grouped_, first_key_;
};

}  // namespace

Result<LoadOutcome> load(Connection& db, const LoadRequest& request, const data::TableInfo& table,
                         const BatchSource& rows) {
  VMC_TRY(plan, plan_load(request, table));
  VMC_TRY(names, load_names(sql::Dialect::mysql, request));
  const auto& into = plan.aside ? names.aside : names.table;
  VMC_CHECK(Transaction::pin(db, request.timeout));
  VMC_CHECK(ensure_applied(db, names, request.table));
  if (plan.aside) VMC_CHECK(ensure_aside(db, names, request));
  VMC_TRY(target, look_up(db, request, plan));
  const bool staged = plan.upsert || !target.straight;
  if (staged) VMC_CHECK(create_stage(db, request, target));
  VMC_TRY(transaction, Transaction::begin(db, request.timeout));
  Applied applied{db, names, request};
  VMC_TRY(earlier, applied.claim());
  if (earlier) return *earlier;
  if (plan.aside) VMC_CHECK(refuse_ended(applied, request, {kSwapPart, kDropPart}));
  VMC_TRY(written, write_rows(db, staged ? kStage : into, request, plan, target, rows));
  if (staged) VMC_CHECK((Merge{db, into, plan, target}.run()));
  VMC_CHECK(applied.record(written));
  crash_point("load.rows_written");
  VMC_CHECK(transaction.commit());
  crash_point("load.committed");
  return LoadOutcome{written, false};
}

}  // namespace vmc::sources::mysql
