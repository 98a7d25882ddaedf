#include "core/crash_point.hpp"
#include "sources/load_plan.hpp"
#include "sources/postgres/parts.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::postgres {
namespace {

constexpr const char* kStage = "pg_temp.vmc_load";
constexpr const char* kOrdinal = "\"vmc row\"";

// The table and vmc_applied beside it, quoted.
struct Names {
  std::string table;
  std::string applied;
};

Result<Names> names_of(const std::string& table) {
  VMC_TRY(quoted, sql::quote_table(sql::Dialect::postgres, table));
  const auto dot = table.find('.');
  VMC_TRY(schema, sql::quote(sql::Dialect::postgres,
                             dot == table.npos ? std::string{"public"} : table.substr(0, dot)));
  return Names{std::move(quoted), schema + ".vmc_applied"};
}

// Once a schema; two loads may try at once.
Result<void> ensure_applied(Connection& db, const Names& names, Duration limit) {
  VMC_CHECK(db.start(limit));
  Params params;
  params.text(names.applied, oid::text);
  const std::string search = "SELECT pg_catalog.to_regclass($1) IS NOT NULL";
  VMC_TRY(there, db.run(search, params));
  if (cell_true(there, 0, 0)) return {};
  auto created =
      db.run("CREATE TABLE IF NOT EXISTS " + names.applied +
             " (scope text NOT NULL, part bigint NOT NULL, epoch bigint NOT NULL, rows bigint NOT NULL,"
             " applied_at timestamptz NOT NULL, PRIMARY KEY (scope, part))");
  if (created) return {};
  const auto state = db.sqlstate();
  if (state == "42501")
    return fail(
        Code::write_not_permitted, "the database user may not create the table " + names.applied,
        "Create it: CREATE TABLE " + names.applied +
            " (scope text NOT NULL, part bigint NOT NULL, epoch bigint NOT NULL, rows bigint NOT NULL, "
            "applied_at "
            "timestamptz NOT NULL, PRIMARY KEY (scope, part)); and GRANT SELECT, INSERT, UPDATE on it.");
  if (state != "23505" && state != "42P07") return std::move(created).error();
  return {};
}

class Applied {
 public:
  Applied(Connection& db, const Names& names, const LoadRequest& request)
      : db_{db}, names_{names}, request_{request} {}

  // Takes the part's row, so that a second load of the part waits here until this one has ended.
  Result<std::optional<LoadOutcome>> claim() {
    Params row;
    row.text(request_.applied_scope, oid::text).number(request_.part).number(request_.attempt_epoch);
    VMC_TRY(taken,
            db_.run("INSERT INTO " + names_.applied +
                        " (scope, part, epoch, rows, applied_at)"
                        " VALUES ($1, $2, $3, 0, pg_catalog.now()) ON CONFLICT (scope, part) DO NOTHING",
                    row));
    if (std::string_view{PQcmdTuples(taken.get())} == "1") return std::optional<LoadOutcome>{};
    Params part;
    part.text(request_.applied_scope, oid::text).number(request_.part);
    VMC_TRY(earlier,
            db_.run("SELECT rows, epoch FROM " + names_.applied + " WHERE scope = $1 AND part = $2", part));
    if (PQntuples(earlier.get()) != 1)
      return fail(Code::conflict, "the record of this part vanished while it was read");
    VMC_CHECK(refuse_newer(cell_number(earlier, 0, 1)));
    return std::optional{LoadOutcome{cell_number(earlier, 0, 0), true}};
  }

  Result<void> record(std::int64_t rows) {
    Params params;
    params.text(request_.applied_scope, oid::text).number(request_.part).number(rows);
    VMC_TRY(updated,
            db_.run("UPDATE " + names_.applied + " SET rows = $3 WHERE scope = $1 AND part = $2", params));
    (void)updated;
    return {};
  }

 private:
  Result<void> refuse_newer(std::int64_t stored) const {
    if (stored <= request_.attempt_epoch) return {};
    return fail(Code::conflict, "a newer attempt has already written to '" + request_.table + "'");
  }
  Connection& db_;
  const Names& names_;
  const LoadRequest& request_;
};

class RowLoader {
 public:
  RowLoader(Connection& db, const Names& names, const LoadRequest& request, const LoadPlan& plan)
      : db_{db}, names_{names}, request_{request}, plan_{plan} {}

  Result<std::int64_t> run(const BatchSource& rows) {
    VMC_CHECK(look_up());
    if (!plan_.upsert && straight_) return copy_into(names_.table, rows);
    VMC_TRY(staged, db_.run("CREATE TEMPORARY TABLE " + std::string{kStage} + " (" + stage_columns_ +
                            ") ON COMMIT DROP"));
    (void)staged;
    VMC_TRY(count, copy_into(kStage, rows));
    VMC_CHECK(merge());
    return count;
  }

 private:
  Result<void> look_up() {
    std::vector<std::string> wanted;
    for (const auto& field : *request_.columns) wanted.push_back(field.name);
    VMC_TRY(targets, catalogue_columns(db_, request_.table, wanted));
    targets_ = std::move(targets);
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      auto& target = targets_[i];
      target.copied_as = copied_as((*request_.columns)[i].type.kind, target.type);
      straight_ = straight_ && target.own_type();
      VMC_TRY(name, sql::quote(sql::Dialect::postgres, target.name));
      const std::string comma = i ? ", " : "";
      columns_ += comma + name;
      stage_columns_ += comma + name + " " + std::string{name_of(target.copied_as)};
      casted_ += comma + (target.own_type() ? name : name + "::" + target.type_name + " AS " + name);
      if (plan_.key[i])
        key_ += (key_.empty() ? "" : ", ") + name;
      else
        updates_ += (updates_.empty() ? "" : ", ") + name + " = EXCLUDED." + name;
    }
    return {};
  }

  Result<std::int64_t> copy_into(const std::string& table, const BatchSource& rows) {
    VMC_CHECK(db_.begin_copy("COPY " + table + " (" + columns_ + ") FROM STDIN (FORMAT binary)"));
    const auto put = [this](std::string_view piece) { return db_.put_copy(piece); };
    CopyWriter writer{targets_, request_.columns, put};
    for (;;) {
      VMC_TRY(batch, rows());
      if (!batch) break;
      VMC_CHECK(check_batch(plan_, request_, *batch));
      auto written = writer.write(*batch);
      if (!written) {
        auto error = std::move(written).error();
        if (error.code == Code::invalid_request)
          error.message = "load into '" + request_.table + "', " + error.message;
        return error;
      }
    }
    VMC_CHECK(writer.finish());
    return db_.end_copy();
  }

  std::string insert() const {
    return "INSERT INTO " + names_.table + " (" + columns_ + ") OVERRIDING SYSTEM VALUE ";
  }

  Result<void> merge() {
    const std::string plain = "SELECT " + casted_ + " FROM " + kStage;
    if (!plan_.upsert) return done(db_.run(insert() + plain));
    const std::string conflict =
        " ON CONFLICT (" + key_ + ") DO " + (plan_.only_keys ? "NOTHING" : "UPDATE SET " + updates_);
    VMC_CHECK(done(db_.run("SAVEPOINT vmc_merge")));
    auto merged = db_.run(insert() + plain + conflict);
    if (merged || db_.sqlstate() != "21000") return done(std::move(merged));
    // Two rows of the stream have one key. Rare, so that only now they are sorted: the last one wins.
    VMC_CHECK(done(db_.run("ROLLBACK TO SAVEPOINT vmc_merge")));
    const std::string last = "SELECT DISTINCT ON (" + key_ + ") " + columns_ + " FROM (SELECT " + casted_ +
                             ", ctid AS " + kOrdinal + " FROM " + kStage + ") AS s ORDER BY " + key_ + ", " +
                             kOrdinal + " DESC";
    return done(db_.run(insert() + last + conflict));
  }

  static Result<void> done(Result<PgResult> result) {
    if (!result) return std::move(result).error();
    return {};
  }

  Connection& db_;
  const Names& names_;
  const LoadRequest& request_;
  const LoadPlan& plan_;
  std::vector<TargetColumn> targets_;
  std::string columns_, stage_columns_, casted_, key_, updates_;
  bool straight_ = true;  // every column can be copied as its own type
};

}  // namespace

Result<LoadOutcome> load(Connection& db, const LoadRequest& request, const data::TableInfo& table,
                         const BatchSource& rows) {
  VMC_TRY(plan, plan_load(request, table));
  VMC_TRY(names, names_of(request.table));
  VMC_CHECK(ensure_applied(db, names, request.timeout));
  VMC_TRY(transaction, Transaction::begin(db, request.timeout));
  Applied applied{db, names, request};
  VMC_TRY(earlier, applied.claim());
  if (earlier) return *earlier;
  RowLoader loader{db, names, request, plan};
  VMC_TRY(written, loader.run(rows));
  VMC_CHECK(applied.record(written));
  crash_point("load.rows_written");
  VMC_CHECK(transaction.commit());
  crash_point("load.committed");
  return LoadOutcome{written, false};
}

}  // namespace vmc::sources::postgres
