#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sources/load_plan.hpp"
#include "sources/mysql/decode.hpp"
#include "sources/mysql/parts.hpp"
#include "sources/mysql/types.hpp"
#include "sources/part_ends.hpp"
#include "sources/readings.hpp"
#include "sources/server_source.hpp"
#include "sources/unchanged.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources {
namespace {

using namespace mysql;

constexpr auto kProbeLimit = std::chrono::seconds{10};
constexpr std::size_t kKeysAtOnce = 900;  // MariaDB makes a temporary table of a longer list
constexpr std::size_t kRowKeysAtOnce = 400;

// Rows of a running statement as batches; may take those of several statements of one projection.
class RowStream {
 public:
  RowStream(std::string_view table, data::RowTypePtr type)
      : table_{table}, batch_{std::move(type)}, decoders_(batch_.columns()) {}

  Result<void> run(Statement& statement, const BatchSink& sink) {
    VMC_CHECK(choose_decoders(statement.fields()));
    statement.on_value(&RowStream::take, this);
    for (;;) {
      statement_end_ = nullptr;
      statement_ = &statement;
      VMC_TRY(more, statement.fetch());
      if (!more) return {};
      ++row_;
      if (why_) return unfit_cell(table_, (*batch_.type())[bad_column_].name, row_, why_);
      batch_.end_row();
      if (batch_.full()) VMC_CHECK(sink(batch_.finish()));
    }
  }

  Result<void> finish(const BatchSink& sink) {
    if (batch_.rows() == 0) return {};
    return sink(batch_.finish());
  }

 private:
  static void take(void* who, unsigned column, unsigned char** at) {
    static_cast<RowStream*>(who)->take_value(column, at);
  }

  void take_value(unsigned column, unsigned char** at) {
    if (why_) return;
    auto& out = batch_.column(column);
    if (!at) {
      out.null();
      return;
    }
    if (!statement_end_) statement_end_ = statement_->buffer_end();
    const unsigned char* from = *at;
    if (const char* why = decoders_[column](from, statement_end_, out.type(), out)) {
      why_ = why;
      bad_column_ = column;
      return;
    }
    *at = const_cast<unsigned char*>(from);
  }

  Result<void> choose_decoders(std::span<const MYSQL_FIELD> sent) {
    const auto& fields = *batch_.type();
    if (sent.size() != fields.size())
      return fail(Code::database_error, fmt::format("the server sent other columns of '{}' than asked for", table_));
    for (std::size_t i = 0; i < fields.size(); ++i) {
      decoders_[i] = decoder_for(fields[i].type, sent[i]);
      if (!decoders_[i])
        return fail(Code::conflict,
                    fmt::format("column '{}' of table '{}' has changed its type", fields[i].name, table_),
                    "Discover the schema again.");
    }
    return {};
  }

  std::string table_;
  data::BatchBuilder batch_;
  std::vector<Decoder> decoders_;
  const Statement* statement_ = nullptr;
  const unsigned char* statement_end_ = nullptr;  // of the packet's buffer, known once a row is there
  const char* why_ = nullptr;
  unsigned bad_column_ = 0;
  std::uint64_t row_ = 0;
};

Result<Params> params_of(const std::vector<data::Value>& values) {
  Params params;
  for (const auto& value : values) VMC_CHECK(params.value(value));
  return params;
}

constexpr std::array<std::string_view, 12> kLocalEngines{"archive", "aria",       "blackhole", "columnstore",
                                                         "csv",     "innodb",     "memory",    "mrg_myisam",
                                                         "myisam",  "ndbcluster", "rocksdb",   "tokudb"};

// "SELECT … WHERE k IN (?, ?)" or, of several columns, "(a = ? AND b = ?) OR (…)", for so many keys.
class Lookup {
 public:
  static Result<Lookup> make(const data::TableInfo& table, const std::vector<std::string>& columns,
                             const std::vector<std::string>& key) {
    VMC_TRY(list, sql::select_list(sql::Dialect::mysql, columns, table));
    VMC_TRY(from, sql::quote_table(sql::Dialect::mysql, table.name));
    Lookup lookup;
    lookup.head_ = "SELECT " + list + " FROM " + from + " WHERE ";
    lookup.single_ = key.size() == 1;
    for (const auto& name : key) {
      VMC_TRY(quoted, sql::quote(sql::Dialect::mysql, name));
      lookup.one_ += (lookup.one_.empty() ? "" : " AND ") + quoted + " = ?";
      lookup.name_ = quoted;
    }
    return lookup;
  }
  std::size_t at_once() const { return single_ ? kKeysAtOnce : kRowKeysAtOnce; }
  std::string text(std::size_t keys) const {
    std::string out = single_ ? head_ + name_ + " IN (" : head_;
    for (std::size_t i = 0; i < keys; ++i) {
      if (single_)
        out += i ? ", ?" : "?";
      else
        out += (i ? " OR (" : "(") + one_ + ")";
    }
    return single_ ? out + ")" : out;
  }

 private:
  std::string head_, name_, one_;
  bool single_ = true;
};

class MysqlSession final : public Session {
 public:
  explicit MysqlSession(std::unique_ptr<Connection> db) : db_{std::move(db)} {}

  Result<data::Schema> discover() override { return mysql::discover(*db_); }
  Result<RightsReport> rights() override { return mysql::rights(*db_); }

  Result<void> read(std::span<const Reading> readings, const data::TableInfo& table,
                    const ReadLimits& limits) override {
    VMC_TRY(texts, render_all(sql::Dialect::mysql, readings, table));
    VMC_TRY(transaction, Transaction::begin(*db_, limits.timeout));
    VMC_CHECK(check_reached(limits));
    for (std::size_t i = 0; i < readings.size(); ++i)
      VMC_CHECK(stream(texts[i], readings[i].intent.columns, table, readings[i].sink));
    return check_views(limits);
  }

  Result<data::RowTypePtr> query(const SqlQuery& query, const ReadLimits& limits, const BatchSink& sink) override {
    VMC_TRY(params, params_of(query.params));
    VMC_TRY(transaction, Transaction::begin(*db_, limits.timeout));
    // A server that takes over from another may be set up otherwise.
    if (query.ignores_case) VMC_CHECK(check_ignores_case(ignores_case_, [&] { return ignores_case(*db_); }));
    for (const auto* table : query.whole) VMC_CHECK(check_columns_of(*table));
    if (query.definition) VMC_CHECK(check_definition(*query.definition));
    VMC_CHECK(check_calls(query));
    VMC_CHECK(check_reached(limits));
    VMC_TRY(statement, Statement::prepare(*db_, query.text, Statement::Words::analysed));
    if (statement.params() != query.params.size())
      return fail(Code::invalid_request, fmt::format("the statement has {} parameters, {} were sent",
                                                     statement.params(), query.params.size()));
    if (statement.fields().empty()) return fail(Code::invalid_request, "the query has no columns");
    VMC_TRY(type, rows_of(statement, params, sink));
    VMC_CHECK(check_views(limits));
    return type;
  }

  Result<void> probe(const std::string& text) override {
    VMC_TRY(transaction, Transaction::begin(*db_, kProbeLimit));
    VMC_TRY(statement, Statement::prepare(*db_, text, Statement::Words::analysed));
    Params none;
    if (statement.fields().empty()) return statement.execute(none);
    VMC_CHECK(rows_of(statement, none, [](const data::Batch&) { return Result<void>{}; }));
    return {};
  }

  Result<Split> split(const data::Intent& intent, const data::TableInfo& table, const std::vector<std::string>& key,
                      std::int64_t rows_per_part, const ReadLimits& limits) override {
    VMC_TRY(text, sql::render_split(sql::Dialect::mysql, intent, table, key, rows_per_part));
    VMC_TRY(null_keys, sql::render_null_keys(sql::Dialect::mysql, intent, table, key));
    VMC_TRY(transaction, Transaction::begin(*db_, limits.timeout));
    VMC_CHECK(check_reached(limits));
    if (null_keys) {
      VMC_TRY(params, params_of(null_keys->params));
      VMC_TRY(found, ask(*db_, null_keys->text, std::move(params)));
      if (!found.empty())
        return null_key(table);
    }
    PartEnds ends{rows_per_part};
    VMC_CHECK(stream(text, key, table,
                     [&](const data::Batch& batch) -> Result<void> { return ends.take(batch), Result<void>{}; }));
    VMC_CHECK(check_views(limits));
    return parts_ending_at(key, ends.finish());
  }

  Result<void> read_keys(const data::TableInfo& table, const std::vector<std::string>& columns,
                         const std::vector<std::string>& key, const BatchSource& keys, const ReadLimits& limits,
                         const BatchSink& sink) override {
    VMC_TRY(type, row_type(columns, table));
    VMC_TRY(key_type, row_type(key, table));
    if (key.empty()) return fail(Code::invalid_request, "no key columns are named");
    VMC_TRY(lookup, Lookup::make(table, columns, key));
    VMC_TRY(transaction, Transaction::begin(*db_, limits.timeout));
    VMC_CHECK(check_reached(limits));
    RowStream rows{table.name, type};
    Params group;
    std::size_t in_group = 0;
    std::optional<Statement> full;  // prepared once for all full groups
    const auto look_up = [&]() -> Result<void> {
      const bool is_full = in_group == lookup.at_once();
      std::optional<Statement> rest;
      auto& statement = is_full ? full : rest;
      if (!statement) {
        VMC_TRY(prepared, Statement::prepare(*db_, lookup.text(in_group)));
        statement.emplace(std::move(prepared));
      }
      VMC_CHECK(statement->execute(group));
      group.clear();
      in_group = 0;
      return rows.run(*statement, sink);
    };
    for (;;) {
      VMC_TRY(batch, keys());
      if (!batch) break;
      VMC_CHECK(check_keys(*batch, *key_type));
      for (std::size_t row = 0; row < batch->rows; ++row) {
        for (const auto& column : batch->columns) VMC_CHECK(group.value(data::value_at(column, row)));
        if (++in_group == lookup.at_once()) VMC_CHECK(look_up());
      }
    }
    if (in_group > 0) VMC_CHECK(look_up());
    VMC_CHECK(rows.finish(sink));
    return check_views(limits);
  }

  Result<LoadOutcome> load(const LoadRequest& request, const data::TableInfo& table,
                           const BatchSource& rows) override {
    VMC_CHECK(check_loading(db_->access()));
    return mysql::load(*db_, request, table, rows);
  }

  Result<LoadOutcome> swap(const LoadRequest& request, const data::TableInfo& table, std::int64_t rows) override {
    VMC_CHECK(check_loading(db_->access()));
    return mysql::swap(*db_, request, table, rows);
  }

  Result<void> drop_aside(const LoadRequest& request) override {
    VMC_CHECK(check_loading(db_->access()));
    return mysql::drop_aside(*db_, request);
  }

  bool alive() override { return db_->alive(); }
  bool reset() override { return db_->reset(); }
  void interrupt() noexcept override { db_->interrupt(); }

 private:
  static Result<data::RowTypePtr> rows_of(Statement& statement, Params& params, const BatchSink& sink) {
    VMC_CHECK(statement.execute(params));
    auto type = std::make_shared<data::RowType>();
    for (const auto& field : statement.fields())
      type->push_back({std::string{field.name, field.name_length}, type_of(field), true});
    RowStream rows{"the query", type};
    VMC_CHECK(rows.run(statement, sink));
    VMC_CHECK(rows.finish(sink));
    return data::RowTypePtr{std::move(type)};
  }

  Result<void> check_reached(const ReadLimits& limits) {
    for (const auto* table : limits.reached) VMC_CHECK(check_unchanged(*table));
    return {};
  }
  // Once more behind the read: until the transaction ends, its locks keep what was read from being redefined.
  Result<void> check_views(const ReadLimits& limits) {
    for (const auto* table : limits.reached)
      if (table->view) VMC_CHECK(check_unchanged(*table));
    return {};
  }
  Result<void> check_unchanged(const data::TableInfo& table) {
    VMC_TRY(rows, ask_of_table(*db_,
                               "SELECT VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = "
                               "COALESCE(?, DATABASE()) AND TABLE_NAME = ?",
                               table_name(table.name)));
    return check_relation(table, rows.empty() ? LiveRelation{}
                                              : LiveRelation{false, print_of(rows.front()[0].value_or(""))});
  }

  // What some servers have built in may be a stored function on others, and "seq_1_to_9" a table.
  Result<void> check_calls(const SqlQuery& query) {
    const auto theirs = [](std::string_view name, std::string_view kind, std::string hint) {
      return fail(Code::write_operation_rejected,
                  fmt::format("'{}' means a {} of the customer's own here, which is not known to be harmless", name, kind),
                  std::move(hint));
    };
    std::string functions;
    for (const auto& [name, _] : query.calls) {
      if (std::find(query.functions.begin(), query.functions.end(), name) != query.functions.end()) continue;
      if (!name.starts_with("seq_")) {
        functions += (functions.empty() ? "" : ",") + name;
        continue;
      }
      VMC_TRY(rows, ask_of_table(*db_,
                                 "SELECT COALESCE(ENGINE, '') FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
                                 "COALESCE(?, DATABASE()) AND TABLE_NAME = ?",
                                 table_name(name)));
      if (!rows.empty() && rows.front()[0] != "SEQUENCE") return theirs(name, "table", "Read another sequence.");
    }
    if (functions.empty()) return {};
    Params params;
    params.text(std::move(functions));
    VMC_TRY(rows, ask(*db_,
                      "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND "
                      "ROUTINE_TYPE = 'FUNCTION' AND FIND_IN_SET(LOWER(ROUTINE_NAME), ?) LIMIT 1",
                      std::move(params)));
    if (rows.empty()) return {};
    return theirs(rows.front()[0].value_or(""), "function",
                  "Have its owner allow it: functions = [...] of the connection, on the agent.");
  }

  // What is kept elsewhere has an address in its definition, with a password as a rule; a view its source text.
  Result<void> check_definition(const std::string& table) {
    VMC_TRY(rows, ask_of_table(*db_,
                               "SELECT LOWER(ENGINE) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
                               "COALESCE(?, DATABASE()) AND TABLE_NAME = ?",
                               table_name(table)));
    const auto engine = rows.empty() ? std::string{} : rows.front()[0].value_or("");
    if (std::find(kLocalEngines.begin(), kLocalEngines.end(), engine) != kLocalEngines.end()) return {};
    return fail(Code::schema_access_denied,
                fmt::format("the definition of '{}' is not shown: it is a view, or of a storage engine that may keep passwords "
                            "in it",
                            table),
                "Ask for its columns with DESCRIBE.");
  }

  // A star reaches what the table has now: that must be what was approved.
  Result<void> check_columns_of(const data::TableInfo& table) {
    VMC_TRY(rows, ask_of_table(*db_,
                               "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = "
                               "COALESCE(?, DATABASE()) AND TABLE_NAME = ? AND EXTRA NOT LIKE '%INVISIBLE%'"
                               " ORDER BY ORDINAL_POSITION",
                               table_name(table.name)));
    std::vector<std::string> found;
    for (const auto& row : rows) found.push_back(row[0].value_or(""));
    return check_columns(table, found);
  }

  Result<void> stream(const sql::Statement& text, const std::vector<std::string>& columns, const data::TableInfo& table,
                      const BatchSink& sink) {
    VMC_TRY(type, row_type(columns, table));
    VMC_TRY(params, params_of(text.params));
    VMC_TRY(statement, Statement::prepare(*db_, text.text));
    VMC_CHECK(statement.execute(params));
    RowStream rows{table.name, type};
    VMC_CHECK(rows.run(statement, sink));
    return rows.finish(sink);
  }

  std::unique_ptr<Connection> db_;
  std::optional<bool> ignores_case_;  // asked when it is needed
};

}  // namespace

std::unique_ptr<Source> make_mysql_source(ServerSettings settings) {
  return std::make_unique<ServerSource<mysql::Connection, MysqlSession>>("mysql", std::move(settings));
}

}  // namespace vmc::sources
