#include <fmt/format.h>

#include "sources/load_plan.hpp"
#include "sources/postgres/parts.hpp"
#include "sources/postgres/row_stream.hpp"
#include "sources/postgres/types.hpp"
#include "sources/readings.hpp"
#include "sources/server_source.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources {
namespace {

using namespace postgres;

// Where unqualified names of a statement written by hand are looked for; for the transaction.
constexpr const char* kStatementPath =
    "SELECT pg_catalog.set_config('search_path', 'pg_catalog, public, pg_temp', true)";
constexpr auto kProbeLimit = std::chrono::seconds{10};

constexpr std::size_t kKeysAtOnce = 5'000;
constexpr std::string_view kWrongObjectType = "42809", kNoPrivilege = "42501";

// Where COPY is not possible: libpq copies the description of every column for every row it hands out; a row that comes
// as one composite value halves that. `list` is the projection that `text` starts with.
std::string as_composite(const std::string& text, const std::string& list) {
  return "SELECT ROW(" + list + ")" + text.substr(std::string_view{"SELECT "}.size() + list.size());
}

// One key column's values of a group, as the text of an array: {"a","b",NULL}
class ArrayText {
 public:
  void add(const data::Column& column, std::size_t row) {
    text_ += text_.size() == 1 ? "" : ",";
    if (column.is_null(row)) {
      text_ += "NULL";
      return;
    }
    text_ += '"';
    const auto put = [&](std::string_view form) {
      for (char c : form) {
        if (c == '"' || c == '\\') text_ += '\\';
        text_ += c;
      }
    };
    if (column.type().kind == data::Kind::bytes)
      put("\\x" + to_hex(as_bytes(column.text(row))));
    else
      put(data::format(data::value_at(column, row)));
    text_ += '"';
  }
  std::string take() { return std::exchange(text_, "{") + "}"; }

 private:
  std::string text_ = "{";
};

// Parameters of a statement that was written by hand: the server gives each its type.
Result<Params> written_params(const std::vector<data::Value>& values) {
  Params params;
  for (const auto& value : values) {
    if (data::is_null(value)) {
      VMC_CHECK(params.value(value));
      continue;
    }
    const auto* bytes = std::get_if<Bytes>(&value);
    auto text = bytes ? "\\x" + to_hex(*bytes) : data::format(value);
    if (text.find('\0') != std::string::npos)
      return fail(Code::invalid_request, "PostgreSQL holds no text with a NUL character");
    params.text(std::move(text));
  }
  return params;
}

// The outputs of a statement, named c1, c2, … so that two of one name do not meet.
data::TableInfo outputs_of(const PGresult* described) {
  data::TableInfo table;
  table.name = "the query";
  for (int i = 0; i < PQnfields(described); ++i) {
    data::ColumnInfo column;
    column.name = "c" + std::to_string(i + 1);
    column.sql_type = formatted_name(PQftype(described, i));
    column.type = type_of(PQftype(described, i), PQfmod(described, i));
    table.columns.push_back(std::move(column));
  }
  return table;
}

enum class Rows { copied, single };  // how they travel, if they can

class PostgresSession final : public Session {
 public:
  explicit PostgresSession(std::unique_ptr<Connection> db) : db_{std::move(db)} {}

  Result<data::Schema> discover() override { return postgres::discover(*db_); }
  Result<RightsReport> rights() override { return postgres::rights(*db_); }

  Result<void> read(std::span<const Reading> readings, const data::TableInfo& table,
                    const ReadLimits& limits) override {
    VMC_TRY(texts, render_all(sql::Dialect::postgres, readings, table));
    VMC_TRY(transaction, holding(table, limits));
    for (std::size_t i = 0; i < readings.size(); ++i) {
      const auto& intent = readings[i].intent;
      // A filter's values stay where the planner sees them: a partial index or the prefix of a LIKE is found by them.
      VMC_CHECK(stream(texts[i], intent.columns, table, readings[i].sink, intent.filter ? Rows::single : Rows::copied));
    }
    return {};
  }

  Result<data::RowTypePtr> query(const SqlQuery& query, const ReadLimits& limits, const BatchSink& sink) override {
    VMC_TRY(params, written_params(query.params));
    VMC_TRY(transaction, Transaction::begin(*db_, limits.timeout, Transaction::Snapshot::statement));
    VMC_CHECK(check_calls(*db_, query.calls, query.functions));
    VMC_CHECK(db_->run(kStatementPath));
    // It locks what the statement reaches: nobody redefines a view between here and the end.
    VMC_TRY(described, db_->describe(query.text));
    for (const auto* table : query.whole) VMC_CHECK(check_columns_of(*table));
    if (!limits.reached.empty()) {
      VMC_CHECK(check_unchanged(*db_, limits.reached));
      VMC_CHECK(db_->run(kStatementPath));
    }
    if (PQnfields(described.get()) == 0) return fail(Code::invalid_request, "the statement has no columns");
    if (PQnparams(described.get()) != static_cast<int>(query.params.size()))
      return fail(Code::invalid_request, fmt::format("the statement has {} parameters, {} were sent",
                                                     PQnparams(described.get()), query.params.size()));
    if (!query.is_query) return show(query.text, sink);
    const auto table = outputs_of(described.get());
    std::vector<std::string> names;
    std::string list;
    for (const auto& column : table.columns) {
      names.push_back(column.name);
      list += (list.empty() ? "" : ", ") + column.name;
    }
    VMC_TRY(projection, sql::select_list(sql::Dialect::postgres, names, table));
    const auto type = titled(table, described.get());
    VMC_CHECK(db_->send_streamed(
        "SELECT ROW(" + projection + ") FROM (\n" + query.text + "\n) AS vmc_q (" + list + ")", params));
    RowStream rows{*db_, table, type};
    VMC_CHECK(rows.run(sink));
    VMC_CHECK(rows.finish(sink));
    return type;
  }

  Result<void> probe(const std::string& statement) override {
    VMC_TRY(transaction, Transaction::begin(*db_, kProbeLimit));
    VMC_CHECK(db_->run(kStatementPath));
    VMC_CHECK(db_->run(statement));
    return {};
  }

  Result<Split> split(const data::Intent& intent, const data::TableInfo& table,
                      const std::vector<std::string>& key, std::int64_t rows_per_part,
                      const ReadLimits& limits) override {
    VMC_TRY(text, sql::render_split(sql::Dialect::postgres, intent, table, key, rows_per_part));
    VMC_TRY(null_keys, sql::render_null_keys(sql::Dialect::postgres, intent, table, key));
    VMC_TRY(transaction, holding(table, limits));
    if (null_keys) {
      Params params;
      for (const auto& value : null_keys->params) VMC_CHECK(params.value(value));
      VMC_TRY(found, db_->run(null_keys->text, params));
      if (PQntuples(found.get()) > 0)
        return null_key(table);
    }
    std::vector<data::Batch> ends;
    const auto keep = [&](data::Batch batch) -> Result<void> {
      ends.push_back(std::move(batch));
      return {};
    };
    VMC_CHECK(stream(text, key, table, keep, Rows::single));  // few of many: a value is looked at for each
    return parts_ending_at(key, ends);
  }

  Result<void> read_keys(const data::TableInfo& table, const std::vector<std::string>& columns,
                         const std::vector<std::string>& key, const BatchSource& keys,
                         const ReadLimits& limits, const BatchSink& sink) override {
    VMC_TRY(type, row_type(columns, table));
    VMC_TRY(key_type, row_type(key, table));
    if (key.empty()) return fail(Code::invalid_request, "no key columns are named");
    VMC_TRY(text, lookup_text(table, columns, key));
    VMC_TRY(transaction, holding(table, limits));
    VMC_TRY(targets, catalogue_columns(*db_, table.name, key));
    // A group is many short descents of an index; the planner's price for random pages would have it scan.
    VMC_TRY(priced, db_->run("SELECT pg_catalog.set_config('random_page_cost', '1', true)"));
    RowStream rows{*db_, table, type};
    std::vector<ArrayText> group(key.size());
    std::size_t in_group = 0;
    const auto look_up = [&]() -> Result<void> {
      Params params;
      for (std::size_t i = 0; i < key.size(); ++i) params.text(group[i].take(), targets[i].array_type);
      in_group = 0;
      VMC_CHECK(db_->send_streamed(text, params));
      return rows.run(sink);
    };
    for (;;) {
      VMC_TRY(batch, keys());
      if (!batch) break;
      VMC_CHECK(check_keys(*batch, *key_type));
      for (std::size_t row = 0; row < batch->rows; ++row) {
        for (std::size_t i = 0; i < key.size(); ++i) group[i].add(batch->columns[i], row);
        if (++in_group == kKeysAtOnce) VMC_CHECK(look_up());
      }
    }
    if (in_group > 0) VMC_CHECK(look_up());
    return rows.finish(sink);
  }

  Result<LoadOutcome> load(const LoadRequest& request, const data::TableInfo& table,
                           const BatchSource& rows) override {
    VMC_CHECK(check_loading(db_->access()));
    return postgres::load(*db_, request, table, rows);
  }

  Result<LoadOutcome> swap(const LoadRequest& request, const data::TableInfo& table, std::int64_t rows) override {
    VMC_CHECK(check_loading(db_->access()));
    return postgres::swap(*db_, request, table, rows);
  }

  Result<void> drop_aside(const LoadRequest& request) override {
    VMC_CHECK(check_loading(db_->access()));
    return postgres::drop_aside(*db_, request);
  }

  bool reset() override { return db_->reset(); }
  bool alive() override { return db_->alive(); }
  void interrupt() noexcept override { db_->interrupt(); }

 private:
  // A transaction of one snapshot that has locked the table, or the view and what it stands on, before it took it: what
  // it then sees is what runs. Is that what was approved? A materialized view or a foreign table cannot be locked by
  // name, nor a table of which the user may read some columns only: each statement over it sees what is there when it
  // begins.
  Result<Transaction> holding(const data::TableInfo& table, const ReadLimits& limits) {
    VMC_TRY(quoted, sql::quote_table(sql::Dialect::postgres, table.name));
    auto locked = Transaction::begin(*db_, limits.timeout, Transaction::Snapshot::transaction, quoted);
    if (locked) {
      VMC_CHECK(check_unchanged(*db_, limits.reached));
      return locked;
    }
    if (db_->sqlstate() != kWrongObjectType && db_->sqlstate() != kNoPrivilege) return locked;
    VMC_TRY(transaction, Transaction::begin(*db_, limits.timeout, Transaction::Snapshot::statement));
    VMC_CHECK(db_->run("SELECT FROM " + quoted + " LIMIT 0"));
    VMC_CHECK(check_unchanged(*db_, limits.reached));
    return transaction;
  }

  // A star reaches what the table has now: that must be what was approved.
  Result<void> check_columns_of(const data::TableInfo& table) {
    VMC_TRY(quoted, sql::quote_table(sql::Dialect::postgres, table.name));
    Params params;
    params.text(quoted, oid::text);
    VMC_TRY(rows, db_->run("SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = "
                           "pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
                           params));
    std::vector<std::string> found;
    for (int row = 0; row < PQntuples(rows.get()); ++row) found.emplace_back(cell(rows, row, 0));
    return check_columns(table, found);
  }

  static data::RowTypePtr titled(const data::TableInfo& table, const PGresult* described) {
    data::RowType type;
    for (std::size_t i = 0; i < table.columns.size(); ++i)
      type.push_back({PQfname(described, static_cast<int>(i)), table.columns[i].type, true});
    return std::make_shared<const data::RowType>(std::move(type));
  }

  Result<data::RowTypePtr> show(const std::string& text, const BatchSink& sink) {
    VMC_TRY(result, db_->run(text));
    data::RowType type;
    for (int i = 0; i < PQnfields(result.get()); ++i)
      type.push_back({PQfname(result.get(), i), {data::Kind::text}, true});
    auto shared = std::make_shared<const data::RowType>(std::move(type));
    data::BatchBuilder batch{shared};
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      for (std::size_t i = 0; i < batch.columns(); ++i) batch.column(i).text(cell(result, row, static_cast<int>(i)));
      batch.end_row();
    }
    if (batch.rows() > 0) VMC_CHECK(sink(batch.finish()));
    return shared;
  }

  Result<void> stream(const sql::Statement& text, const std::vector<std::string>& columns,
                      const data::TableInfo& table, const BatchSink& sink, Rows how) {
    VMC_TRY(type, row_type(columns, table));
    Params params;
    for (const auto& value : text.params) VMC_CHECK(params.value(value));
    RowStream rows{*db_, table, type};
    const auto copied = how == Rows::copied ? without_params(text.text, params) : std::nullopt;
    if (copied) {
      VMC_CHECK(copy(*copied, params, rows, sink));
    } else {
      VMC_TRY(list, sql::select_list(sql::Dialect::postgres, columns, table));
      VMC_CHECK(db_->send_streamed(as_composite(text.text, list), params));
      VMC_CHECK(rows.run(sink));
    }
    return rows.finish(sink);
  }

  // The fastest way out: the server makes no composite, libpq no result of each row. What is described stays so: the
  // transaction holds the table.
  Result<void> copy(const std::string& text, const Params& params, RowStream& rows, const BatchSink& sink) {
    VMC_CHECK(keep_params(*db_, params));
    VMC_TRY(described, db_->outputs(text));
    std::vector<Oid> types;
    for (int i = 0; i < PQnfields(described.get()); ++i) types.push_back(PQftype(described.get(), i));
    VMC_CHECK(db_->begin_copy("COPY (" + text + ") TO STDOUT (FORMAT binary)", Connection::Copy::out));
    return rows.run_copy(types, sink);
  }

  static Result<std::string> lookup_text(const data::TableInfo& table,
                                         const std::vector<std::string>& columns,
                                         const std::vector<std::string>& key) {
    VMC_TRY(list, sql::select_list(sql::Dialect::postgres, columns, table));
    VMC_TRY(from, sql::quote_table(sql::Dialect::postgres, table.name));
    std::string names, arrays;
    for (std::size_t i = 0; i < key.size(); ++i) {
      VMC_TRY(quoted, sql::quote(sql::Dialect::postgres, key[i]));
      names += (i ? ", " : "") + quoted;
      arrays += (i ? ", pg_catalog.unnest($" : "pg_catalog.unnest($") + std::to_string(i + 1) + ")";
    }
    list = "ROW(" + list + ")";
    if (key.size() == 1) return "SELECT " + list + " FROM " + from + " WHERE " + names + " = ANY ($1)";
    return "SELECT " + list + " FROM " + from + " WHERE (" + names + ") IN (SELECT * FROM ROWS FROM (" +
           arrays + ") AS vmc_k)";
  }

  std::unique_ptr<Connection> db_;
};

}  // namespace

std::unique_ptr<Source> make_postgres_source(ServerSettings settings) {
  return std::make_unique<ServerSource<postgres::Connection, PostgresSession>>("postgres", std::move(settings));
}

}  // namespace vmc::sources
