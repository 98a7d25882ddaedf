#include <fmt/format.h>

#include "core/crash_point.hpp"
#include "sources/postgres/aside.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::postgres {
namespace {

constexpr const char* kStage = "pg_temp.vmc_load";
constexpr const char* kOrdinal = "\"vmc row\"";

// What a type, or one that it is made of, may drop in silence of a text it is read from: texts like these must be just as
// the server writes the value. '^' is any text. Doubles keep 15 digits, reals 6, instants 6 behind the point; a date drops
// a time, a time a date, and both and a timestamp a zone; a type with a precision rounds where it stands inside another; xid
// and its kind take the first digits they find.
constexpr const char* kDrops =
    "WITH RECURSIVE part AS (SELECT n.place, n.typ, -1 AS mod"
    " FROM pg_catalog.unnest($1::pg_catalog.oid[]) WITH ORDINALITY AS n (typ, place)"
    " UNION SELECT p.place, e.typ, e.mod FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.typ, LATERAL ("
    "SELECT t.typbasetype, t.typtypmod WHERE t.typtype = 'd'"
    " UNION ALL SELECT t.typelem, p.mod WHERE t.typcategory = 'A' AND t.typelem <> 0"
    " UNION ALL SELECT r.rngsubtype, -1 FROM pg_catalog.pg_range r WHERE t.oid = {}"
    " UNION ALL SELECT a.atttypid, a.atttypmod FROM pg_catalog.pg_attribute a"
    " WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) AS e (typ, mod))"
    " SELECT p.place - 1, pg_catalog.string_agg(CASE WHEN p.mod >= 0 THEN '^' ELSE d.texts END, '|')"
    " FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.typ"
    " LEFT JOIN (VALUES ('float4', '[0-9][0-9.]{{6}}'), ('float8', '[0-9][0-9.]{{15}}'), ('point', '[0-9][0-9.]{{15}}'),"
    " ('line', '[0-9][0-9.]{{15}}'), ('lseg', '[0-9][0-9.]{{15}}'), ('box', '[0-9][0-9.]{{15}}'),"
    " ('path', '[0-9][0-9.]{{15}}'), ('polygon', '[0-9][0-9.]{{15}}'), ('circle', '[0-9][0-9.]{{15}}'),"
    " ('timetz', '[.][0-9]{{7}}'), ('timestamptz', '[.][0-9]{{7}}'), ('interval', '[.][0-9]{{7}}'),"
    " ('tsvector', ':[0-9]'), ('date', '[:+]|[0-9][ T]'), ('time', '[^0-9:.]|[.][0-9]{{7}}'),"
    " ('timestamp', '[.][0-9]{{7}}|[+A-SU-Za-z]|:[0-9.]*-'), ('money', '^'), ('name', '^'), ('char', '^'), ('xid', '^'),"
    " ('xid8', '^'), ('cid', '^')) AS d (name, texts)"
    " ON d.name = t.typname AND t.typnamespace = 11"
    " WHERE p.mod >= 0 OR d.texts IS NOT NULL GROUP BY p.place";
constexpr int kMultirangesSince = 140'000;

class RowLoader {
 public:
  RowLoader(Connection& db, const LoadNames& names, const LoadRequest& request, const LoadPlan& plan)
      : db_{db}, request_{request}, plan_{plan}, into_{plan.aside ? names.aside : names.table} {}

  Result<std::int64_t> run(const BatchSource& rows) {
    VMC_CHECK(look_up());
    if (!plan_.upsert && straight_) return copy_into(into_, rows);
    VMC_TRY(staged, db_.run("CREATE TEMPORARY TABLE " + std::string{kStage} + " (" + stage_columns_ +
                            ") ON COMMIT DROP"));
    (void)staged;
    VMC_TRY(count, copy_into(kStage, rows));
    VMC_CHECK(done(db_.run("SAVEPOINT vmc_cast")));
    auto merged = refuse_changed();
    if (merged) merged = merge();
    if (!merged) return named(std::move(merged).error());
    return count;
  }

 private:
  Result<void> look_up() {
    std::vector<std::string> wanted;
    for (const auto& field : *request_.columns) wanted.push_back(field.name);
    const auto aside = aside_name(request_.table, request_.applied_scope);
    const auto looked_up = plan_.aside ? aside.schema.value_or("public") + "." + aside.table : request_.table;
    VMC_TRY(targets, catalogue_columns(db_, looked_up, wanted));
    targets_ = std::move(targets);
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      auto& target = targets_[i];
      target.copied_as = copied_as((*request_.columns)[i].type.kind, target.type);
      straight_ = straight_ && target.own_type();
      VMC_TRY(name, sql::quote(sql::Dialect::postgres, target.name));
      const std::string comma = i ? ", " : "";
      columns_ += comma + name;
      stage_columns_ += comma + name + " " + (target.own_type() ? target.type_name : std::string{name_of(target.copied_as)});
      casted_ += comma + (target.own_type() ? name : name + "::" + target.type_name + " AS " + name);
      if (plan_.key[i])
        key_ += (key_.empty() ? "" : ", ") + name;
      else
        updates_ += (updates_.empty() ? "" : ", ") + name + " = EXCLUDED." + name;
    }
    straight_ = straight_ && targets_.front().table_takes_binary;
    return look_up_drops();
  }

  Result<void> look_up_drops() {
    drops_.resize(targets_.size());
    std::string types;
    bool any = false;
    for (const auto& target : targets_) {
      const bool from_text = !target.own_type() && target.copied_as == oid::text;
      types += (types.empty() ? "{" : ",") + std::to_string(from_text ? target.type : 0);
      any = any || from_text;
    }
    if (!any) return {};
    const char* ranges = db_.version() < kMultirangesSince ? "r.rngtypid" : "ANY (ARRAY[r.rngtypid, r.rngmultitypid])";
    Params params;
    params.text(types + "}");
    VMC_TRY(found, db_.run(fmt::format(kDrops, ranges), params));
    for (int row = 0; row < PQntuples(found.get()); ++row)
      drops_[static_cast<std::size_t>(cell_number(found, row, 0))] = cell(found, row, 1);
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

  // Written as a cast, a conversion cuts and rounds where an assignment would complain.
  static std::string changes(const TargetColumn& target, const std::string& name) {
    const auto becomes = name + "::" + target.type_name;
    if (target.type == oid::money) return becomes + "::pg_catalog.numeric IS DISTINCT FROM " + name;
    const std::string text = "::pg_catalog.text";
    if (target.modifier < 0) return {};
    return becomes + text + " IS DISTINCT FROM " + name + "::" + target.boundless_name + text;
  }

  Result<void> refuse_changed() {
    std::string which, any;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      if (targets_[i].own_type()) continue;
      VMC_TRY(name, sql::quote(sql::Dialect::postgres, targets_[i].name));
      const auto add = [&](const std::string& condition, std::size_t number) {
        if (condition.empty()) return;
        which += fmt::format(" WHEN {} THEN {}", condition, number);
        any += (any.empty() ? "" : " OR ") + condition;
      };
      add(changes(targets_[i], name), i);
      if (!drops_[i].empty())
        add(fmt::format("({0} OPERATOR(pg_catalog.~) '{1}' AND {0}::{2}::pg_catalog.text IS DISTINCT FROM {0})", name,
                        drops_[i], targets_[i].type_name),
            targets_.size() + i);
    }
    if (any.empty()) return {};
    VMC_TRY(found, db_.run("SELECT CASE" + which + " END FROM " + kStage + " WHERE " + any + " LIMIT 1"));
    if (PQntuples(found.get()) == 0) return {};
    const auto number = static_cast<std::size_t>(cell_number(found, 0, 0));
    const auto& target = targets_[number % targets_.size()];
    const auto why = number < targets_.size()
                         ? fmt::format("a value is longer or finer than {} keeps", target.type_name)
                         : fmt::format("a text is not as {} writes it, which may keep less of it", target.type_name);
    return fail(Code::invalid_request, fmt::format("load into '{}', column '{}': {}", request_.table, target.name, why));
  }

  // The server does not say in which column a text was no value of the type.
  Error named(Error error) {
    if (!db_.sqlstate().starts_with("22") || !db_.run("ROLLBACK TO SAVEPOINT vmc_cast")) return error;
    for (const auto& target : targets_) {
      const auto name = sql::quote(sql::Dialect::postgres, target.name);
      if (target.own_type() || !name) continue;
      const std::string nothing = *name + "::" + target.type_name + " IS NULL AND " + *name + " IS NOT NULL";
      if (db_.run("SELECT 1 FROM " + std::string{kStage} + " WHERE " + nothing + " LIMIT 1")) continue;
      error.message = "load into '" + request_.table + "', column '" + target.name + "': " + error.message;
      break;
    }
    return error;
  }

  std::string insert() const {
    return "INSERT INTO " + into_ + " (" + columns_ + ") OVERRIDING SYSTEM VALUE ";
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
  const LoadRequest& request_;
  const LoadPlan& plan_;
  const std::string& into_;
  std::vector<TargetColumn> targets_;
  std::string columns_, stage_columns_, casted_, key_, updates_;
  std::vector<std::string> drops_;  // a column's texts that must be as the server writes them; empty: none
  bool straight_ = true;  // every column can be copied as its own type
};

}  // namespace

Result<LoadOutcome> load(Connection& db, const LoadRequest& request, const data::TableInfo& table,
                         const BatchSource& rows) {
  VMC_TRY(plan, plan_load(request, table));
  VMC_TRY(names, load_names(sql::Dialect::postgres, request));
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

}  // namespace vmc::sources::postgres
