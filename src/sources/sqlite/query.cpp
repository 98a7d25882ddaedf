// Statements written by hand. SQLite says the type of an output only where it is a table's own column; of any other the
// first rows decide, and a later value that does not fit is an error that names the column, never a guess.
#include "sources/load_plan.hpp"
#include "sources/sqlite/cells.hpp"
#include "sources/sqlite/declared_type.hpp"
#include "sources/sqlite/parts.hpp"

namespace vmc::sources::sqlite {
namespace {

using data::Kind;

constexpr std::size_t kDecidingRows = 1'000;

// The kind that holds exactly what came before and this one too.
Kind joined(std::optional<Kind> before, int stored) {
  const auto own = stored == SQLITE_INTEGER ? Kind::int64
                   : stored == SQLITE_FLOAT ? Kind::float64
                   : stored == SQLITE_BLOB  ? Kind::bytes
                                            : Kind::text;
  if (!before || *before == own) return own;
  const auto number = [](Kind kind) { return kind == Kind::int64 || kind == Kind::float64; };
  return number(*before) && number(own) ? Kind::float64 : Kind::text;
}

class Rows {
 public:
  Rows(Database& db, sqlite3_stmt* statement, const BatchSink& sink) : db_{db}, statement_{statement}, sink_{sink} {
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      const char* declared = sqlite3_column_decltype(statement, i);
      const char* name = sqlite3_column_name(statement, i);
      data::ColumnInfo column;
      column.name = name ? name : "";
      column.sql_type = declared ? declared : "";
      if (declared) column.type = type_of(declared);
      columns_.push_back(std::move(column));
    }
  }

  Result<data::RowTypePtr> run() {
    VMC_TRY(more, decide());
    data::RowType type;
    for (const auto& column : columns_) type.push_back({column.name, column.type, true});
    auto shared = std::make_shared<const data::RowType>(std::move(type));
    data::BatchBuilder batch{shared};
    for (const auto& row : first_) VMC_CHECK(add(batch, [&](std::size_t i) { return row[i].view(); }));
    first_.clear();
    while (more) {
      VMC_CHECK(add(batch, [&](std::size_t i) { return cell_at(statement_, static_cast<int>(i)); }));
      VMC_TRY(next, db_.step(statement_));
      more = next;
    }
    if (batch.rows() > 0) VMC_CHECK(sink_(batch.finish()));
    return shared;
  }

 private:
  struct Kept {
    explicit Kept(const Cell& from) : cell{from}, bytes{from.bytes} {}
    Cell view() const {
      Cell seen = cell;
      seen.bytes = bytes;
      return seen;
    }
    Cell cell;
    std::string bytes;
  };

  // Keeps the first rows and decides by them; true: the next row stands in the statement.
  Result<bool> decide() {
    std::vector<std::optional<Kind>> kinds(columns_.size());
    bool more = true;
    while (more && first_.size() < kDecidingRows) {
      VMC_TRY(next, db_.step(statement_));
      more = next;
      if (!more) break;
      std::vector<Kept> row;
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        row.emplace_back(cell_at(statement_, static_cast<int>(i)));
        if (row.back().cell.stored != SQLITE_NULL) kinds[i] = joined(kinds[i], row.back().cell.stored);
      }
      first_.push_back(std::move(row));
    }
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (columns_[i].sql_type.empty()) columns_[i].type = {kinds[i].value_or(Kind::text)};
    if (!more) return false;
    return db_.step(statement_);
  }

  template <class CellOf>
  Result<void> add(data::BatchBuilder& batch, CellOf cell) {
    ++row_;
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (const char* why = read_cell(cell(i), columns_[i], batch.column(i)))
        return unfit_cell("the query", columns_[i].name, row_, why);
    batch.end_row();
    if (batch.full()) return sink_(batch.finish());
    return {};
  }

  Database& db_;
  sqlite3_stmt* statement_;
  const BatchSink& sink_;
  std::vector<data::ColumnInfo> columns_;
  std::vector<std::vector<Kept>> first_;
  std::uint64_t row_ = 0;
};

// A star reaches what the table has now: that must be what was approved.
Result<void> check_columns_of(Database& db, const data::TableInfo& table) {
  const Database::Discovering discovering{db};
  VMC_TRY(statement, db.prepare("SELECT name FROM pragma_table_info(?1)"));
  VMC_CHECK(db.bind(statement.get(), 1, table.name));
  std::vector<std::string> found;
  for (;;) {
    VMC_TRY(more, db.step(statement.get()));
    if (!more) return check_columns(table, found);
    found.emplace_back(cell_at(statement.get(), 0).bytes);
  }
}

}  // namespace

Result<data::RowTypePtr> query(Database& db, const SqlQuery& query, const ReadLimits& limits, const BatchSink& sink) {
  VMC_TRY(transaction, Transaction::begin(db));
  for (const auto* table : query.whole) VMC_CHECK(check_columns_of(db, *table));
  VMC_CHECK(check_unchanged(db, limits.reached));
  std::optional<Database::Discovering> catalogue_reads;
  if (query.catalogue) catalogue_reads.emplace(db);
  VMC_TRY(statement, db.prepare(query.text));
  if (static_cast<std::size_t>(sqlite3_bind_parameter_count(statement.get())) != query.params.size())
    return fail(Code::invalid_request, "the statement has another number of parameters than were sent");
  for (std::size_t i = 0; i < query.params.size(); ++i)
    VMC_CHECK(db.bind(statement.get(), static_cast<int>(i + 1), query.params[i]));
  Rows rows{db, statement.get(), sink};
  return rows.run();
}

}  // namespace vmc::sources::sqlite
