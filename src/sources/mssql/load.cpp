#include <fmt/format.h>

#include "core/crash_point.hpp"
#include "sources/mssql/aside.hpp"
#include "sources/mssql/bulk_writer.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::mssql {
namespace {

constexpr const char* kStage = "#vmc_load";
std::string mark_name(std::size_t n) { return fmt::format("[vmc empty {}]", n); }

class RowLoader {
 public:
  RowLoader(Connection& db, const LoadNames& names, const LoadRequest& request, const LoadPlan& plan)
      : db_{db}, request_{request}, plan_{plan}, into_{plan.aside ? names.aside : names.table} {}

  Result<std::int64_t> run(const BatchSource& rows) {
    VMC_CHECK(look_up());
    VMC_CHECK(create_stage());
    BulkWriter writer{db_, targets_};
    VMC_CHECK(copy(writer, rows));
    if (writer.rows() > 0) {
      VMC_CHECK(verify(writer));
      VMC_CHECK(restore_empties(writer));
      VMC_CHECK(refuse_lost_characters(writer));
      VMC_CHECK(merge());
    }
    VMC_CHECK(db_.run(std::string{"DROP TABLE "} + kStage));
    return writer.rows();
  }

 private:
  Error refused(const TargetColumn& column, std::string_view why) const {
    return fail(Code::invalid_request,
                fmt::format("load into '{}', column '{}': {}", request_.table, column.name, why));
  }

  Result<void> look_up() {
    Params params;
    params.text(into_);
    VMC_TRY(rows,
            db_.run("SELECT c.name, COALESCE(b.name, u.name) AS type_name, c.max_length, c.precision, c.scale, "
                    "c.collation_name, c.is_identity, c.is_computed FROM sys.columns AS c "
                    "LEFT JOIN sys.types AS b ON b.user_type_id = c.system_type_id "
                    "LEFT JOIN sys.types AS u ON u.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID(@p1)",
                    params));
    for (std::size_t i = 0; i < request_.columns->size(); ++i) {
      const auto& field = (*request_.columns)[i];
      const auto row =
          std::find_if(rows.begin(), rows.end(), [&](const Cells& cells) { return text_of(cells, 0) == field.name; });
      if (row == rows.end())
        return fail(Code::not_found,
                    "table '" + request_.table + "' or its column '" + field.name + "' is no longer there",
                    "Discover the schema again.");
      TargetColumn target;
      target.name = field.name;
      target.type = {text_of(*row, 1), static_cast<int>(number_of(*row, 2)), static_cast<int>(number_of(*row, 3)),
                     static_cast<int>(number_of(*row, 4))};
      target.collation = text_of(*row, 5);
      target.identity = number_of(*row, 6) != 0;
      target.computed = number_of(*row, 7) != 0;
      target.kind = field.type.kind;
      target.rows = field.type;
      if (target.computed || target.type.name == "timestamp")
        return refused(target, "the server computes it; leave it out");
      const auto now = type_of(target.type);
      if (!now || target.type.name == "xml" || target.type.name == "hierarchyid")
        return refused(target, fmt::format("a {} does not keep a text as it is written", target.type.name));
      if (now->kind != target.kind) return refused(target, "it has changed its type; discover the schema again");
      identity_ = identity_ || target.identity;
      targets_.push_back(std::move(target));
    }
    return {};
  }

  Result<void> create_stage() {
    std::string columns;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      VMC_TRY(name, sql::quote(sql::Dialect::mssql, targets_[i].name));
      columns += name + " " + targets_[i].staged_as() + " NULL, ";
      const std::string comma = names_list_.empty() ? "" : ", ";
      names_list_ += comma + name;
      staged_list_ += comma + "s." + name;
      quoted_.push_back(name);
      if (plan_.key[i]) {
        key_ += (key_.empty() ? "" : ", ") + name;
        on_ += (on_.empty() ? "t." : " AND t.") + name + " = s." + name;
      } else {
        updates_ += (updates_.empty() ? "" : ", ") + name + " = s." + name;
      }
    }
    for (std::size_t n = 0; n * kMarksPerColumn < targets_.size(); ++n) columns += mark_name(n) + " bigint NOT NULL, ";
    VMC_CHECK(db_.run(fmt::format("CREATE TABLE {} ({}[vmc row] bigint NOT NULL)", kStage, columns)));
    return {};
  }

  Result<void> copy(BulkWriter& writer, const BatchSource& rows) {
    bool begun = false;
    for (;;) {
      VMC_TRY(batch, rows());
      if (!batch) break;
      VMC_CHECK(check_batch(plan_, request_, *batch));
      if (batch->rows == 0) continue;
      if (!begun) VMC_CHECK(writer.begin(kStage));
      begun = true;
      auto written = writer.write(*batch);
      if (!written) {
        auto error = std::move(written).error();
        if (error.code == Code::invalid_request) error.message = "load into '" + request_.table + "', " + error.message;
        return error;
      }
    }
    if (begun) VMC_CHECK(writer.finish());
    return {};
  }

  // The stage holds as many rows and bytes as were sent: nothing was lost, cut or converted on the way.
  Result<void> verify(const BulkWriter& writer) {
    std::string sums;
    for (std::size_t i = 0; i < targets_.size(); ++i)
      if (targets_[i].sized())
        sums += fmt::format(", SUM(CAST(DATALENGTH({}) AS bigint)) AS bytes{}", quoted_[i], i + 1);
    VMC_TRY(rows, db_.run(fmt::format("SELECT COUNT_BIG(*) AS rows_staged{} FROM {}", sums, kStage)));
    bool same = rows.size() == 1 && number_of(rows[0], 0) == writer.rows();
    std::size_t at = 1;
    for (std::size_t i = 0; same && i < targets_.size(); ++i)
      if (targets_[i].sized()) same = number_of(rows[0], at++) == writer.seen()[i].bytes;
    if (same) return {};
    return fail(Code::database_error, "the rows did not arrive in the database as they were sent",
                "The installed FreeTDS treats bulk data otherwise than vmc expects; use another version of libsybdb5.");
  }

  Result<void> restore_empties(const BulkWriter& writer) {
    for (std::size_t i = 0; i < targets_.size(); ++i)
      if (writer.seen()[i].empty)
        VMC_CHECK(db_.run(fmt::format("UPDATE {} SET {} = {} WHERE {} & {} <> 0", kStage, quoted_[i],
                                      targets_[i].kind == data::Kind::bytes ? "0x" : "N''",
                                      mark_name(i / kMarksPerColumn), std::int64_t{1} << (i % kMarksPerColumn))));
    return {};
  }

  // A column with a code page turns what is not in it into '?': asked before, and only when there is more than ASCII.
  Result<void> refuse_lost_characters(const BulkWriter& writer) {
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      const auto& type = targets_[i].type;
      const bool paged = type.name == "varchar" || type.name == "char" || type.name == "text";
      if (!paged || !writer.seen()[i].wide) continue;
      VMC_TRY(lost, db_.run(fmt::format(
                        "SELECT TOP (1) 1 AS lost FROM {0} WHERE CAST(CAST({1} AS varchar(max)) AS nvarchar(max)) "
                        "COLLATE Latin1_General_100_BIN2 <> {1}",
                        kStage, quoted_[i])));
      if (!lost.empty()) return refused(targets_[i], "a text has characters that the column's code page does not");
    }
    return {};
  }

  Result<void> merge() {
    if (identity_) VMC_CHECK(db_.run("SET IDENTITY_INSERT " + into_ + " ON"));
    VMC_CHECK(write_rows());
    if (identity_) VMC_CHECK(db_.run("SET IDENTITY_INSERT " + into_ + " OFF"));
    return {};
  }

  Result<void> write_rows() {
    const auto insert =
        fmt::format("INSERT INTO {} ({}) SELECT {} FROM {} AS s", into_, names_list_, staged_list_, kStage);
    if (!plan_.upsert) {
      VMC_CHECK(db_.run(insert));
      return {};
    }
    // Of rows with one key the last wins.
    VMC_CHECK(db_.run(
        fmt::format("WITH d AS (SELECT ROW_NUMBER() OVER (PARTITION BY {} ORDER BY [vmc row] DESC) AS n FROM {}) "
                    "DELETE FROM d WHERE n > 1",
                    key_, kStage)));
    // Not MERGE: under concurrent writers it has gaps that these two with held locks have not.
    if (!plan_.only_keys)
      VMC_CHECK(db_.run(fmt::format("UPDATE t SET {} FROM {} AS t WITH (UPDLOCK, HOLDLOCK) INNER JOIN {} AS s ON {}",
                                    updates_, into_, kStage, on_)));
    VMC_CHECK(db_.run(fmt::format("{} WHERE NOT EXISTS (SELECT 1 FROM {} AS t WITH (UPDLOCK, HOLDLOCK) WHERE {})",
                                  insert, into_, on_)));
    return {};
  }

  Connection& db_;
  const LoadRequest& request_;
  const LoadPlan& plan_;
  const std::string& into_;
  std::vector<TargetColumn> targets_;
  std::vector<std::string> quoted_;
  std::string names_list_, staged_list_, key_, on_, updates_;
  bool identity_ = false;
};

}  // namespace

Result<LoadOutcome> load(Connection& db, const LoadRequest& request, const data::TableInfo& table,
                         const BatchSource& rows) {
  VMC_TRY(plan, plan_load(request, table));
  VMC_TRY(names, load_names(sql::Dialect::mssql, request));
  VMC_CHECK(ensure_applied(db, names, request.timeout));
  if (plan.aside) VMC_CHECK(ensure_aside(db, names, request, plan));
  VMC_TRY(transaction, Transaction::begin(db, request.timeout));
  Applied applied{db, names, request};
  VMC_TRY(earlier, applied.claim());
  if (earlier) return *earlier;
  if (plan.aside) VMC_CHECK(refuse_ended(applied, request, {kSwapPart, kDropPart}));
  RowLoader loader{db, names, request, plan};
  VMC_TRY(written, loader.run(rows));
  VMC_CHECK(applied.record(written));
  crash_point("load.rows_written");
  VMC_CHECK(transaction.commit());
  crash_point("load.committed");
  return LoadOutcome{written, false};
}

}  // namespace vmc::sources::mssql
