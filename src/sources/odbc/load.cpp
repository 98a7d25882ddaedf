#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/crash_point.hpp"
#include "data/cast.hpp"
#include "sources/odbc/aside.hpp"
#include "sources/odbc/parts.hpp"
#include "sources/odbc/row_stream.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::odbc {
namespace {

using Row = std::vector<data::Value>;

constexpr std::size_t kParamsAtOnce = 900;
constexpr std::size_t kBytesAtOnce = 1 << 20;  // far below any server's longest message

Error refused(const LoadRequest& request, const std::string& what, std::string hint = {}) {
  return fail(Code::invalid_request, fmt::format("load into '{}': {}", request.table, what), std::move(hint));
}

// A NaN is one; 0 and -0 are one number, as databases have it.
bool is_same(const data::Value& sent, const data::Value& kept) {
  const auto *a = std::get_if<double>(&sent), *b = std::get_if<double>(&kept);
  if (a && b) return *a == *b || (std::isnan(*a) && std::isnan(*b));
  return sent == kept;
}

// By which columns a loaded row is found again: the load's own key, or one of the table's that takes no null.
Result<std::vector<std::string>> key_of(const LoadPlan& plan, const LoadRequest& request, const data::TableInfo& table) {
  if (plan.upsert) return request.key;
  const auto is_loaded = [&](const std::string& name) {
    return std::any_of(plan.columns.begin(), plan.columns.end(),
                       [&](const auto* column) { return column->name == name && !column->nullable; });
  };
  auto keys = table.unique_keys;
  keys.insert(keys.begin(), table.primary_key);
  for (auto& key : keys)
    if (!key.empty() && std::all_of(key.begin(), key.end(), is_loaded)) return key;
  return refused(request, "over ODBC a row must be found again by a key, and none of the table's is among the columns",
                 "Load all columns of its primary key or of a unique key without nulls.");
}

// Rows go into the table a group at a time, and each group is read back before the next.
class RowLoader {
 public:
  RowLoader(Connection& db, const LoadRequest& request, const LoadPlan& plan, const data::TableInfo& table,
            std::vector<std::string> key, data::RowTypePtr type)
      : db_{db}, request_{request}, plan_{plan}, table_{table}, key_{std::move(key)}, type_{std::move(type)} {
    for (const auto& field : *type_) columns_.push_back(field.name);
    for (const auto& name : key_)
      key_at_.push_back(static_cast<std::size_t>(std::find(columns_.begin(), columns_.end(), name) - columns_.begin()));
    at_once_ = std::max<std::size_t>(kKeyParamsAtOnce / key_.size(), 1);
    together_ = db_.customs().rows_together ? std::max<std::size_t>(kParamsAtOnce / columns_.size(), 1) : 1;
  }

  Result<std::int64_t> run(const BatchSource& rows) {
    for (;;) {
      VMC_TRY(batch, rows());
      if (!batch) break;
      VMC_CHECK(check_batch(plan_, request_, *batch));
      VMC_TRY(fitted, data::cast(std::move(*batch), type_));  // a decimal of the column's own scale
      if (!fitted.errors.empty())
        return refused(request_, fmt::format("column '{}': {}", fitted.errors[0].column, fitted.errors[0].reason));
      for (std::size_t row = 0; row < fitted.batch.rows; ++row) VMC_CHECK(add(fitted.batch, row));
    }
    VMC_CHECK(flush());
    return done_;
  }

 private:
  using Places = std::map<std::string, std::size_t>;  // of rows in the group, by the names of their keys

  Result<void> add(const data::Batch& batch, std::size_t row) {
    auto& one = group_.emplace_back();
    for (const auto& column : batch.columns) {
      one.push_back(data::value_at(column, row));
      bytes_ += data::width(column.type().kind) == 0 && !column.is_null(row) ? column.text(row).size() : 0;
    }
    return group_.size() == at_once_ || bytes_ >= kBytesAtOnce ? flush() : Result<void>{};
  }

  Result<void> flush() {
    if (group_.empty()) return {};
    Places last;  // of rows with one key the last wins
    for (std::size_t row = 0; row < group_.size(); ++row) last[name_of(group_[row])] = row;
    VMC_CHECK(plan_.upsert ? upsert(last) : insert(group_));
    VMC_CHECK(read_back(last));
    done_ += static_cast<std::int64_t>(group_.size());
    group_.clear();
    bytes_ = 0;
    return {};
  }

  Result<void> execute(const sql::Statement& text) {
    VMC_TRY(statement, Statement::make(db_));
    return statement.execute(text);
  }

  Result<void> insert(std::span<const Row> rows) {
    for (std::size_t at = 0; at < rows.size(); at += together_) {
      VMC_TRY(text, sql::render_insert(db_.server(), table_, columns_,
                                       rows.subspan(at, std::min(together_, rows.size() - at))));
      VMC_CHECK(execute(text));
    }
    return {};
  }

  // Asks which rows are there: how many an UPDATE has found, drivers do not agree on.
  Result<void> upsert(const Places& last) {
    std::set<std::string> there;
    VMC_CHECK(look_up(last, key_, [&](const Row& key) -> Result<void> {
      auto name = name_of_key(key);
      if (!last.contains(name))
        return refused(request_, "the database takes two different keys for one",
                       "Its collation knows no difference between them; load them alike.");
      there.insert(std::move(name));
      return {};
    }));
    std::vector<Row> fresh;
    for (const auto& [name, row] : last) {
      if (!there.contains(name)) {
        fresh.push_back(group_[row]);
      } else if (!plan_.only_keys) {
        VMC_TRY(text, sql::render_update(db_.server(), table_, columns_, plan_.key, group_[row]));
        VMC_CHECK(execute(text));
      }
    }
    auto inserted = insert(fresh);
    if (inserted || inserted.error().code != Code::conflict) return inserted;
    if (has_other_key())
      return fail(Code::conflict, "load into '" + request_.table + "': another row has the value of a unique key already",
                  "It is not the key that the load goes by. If somebody else writes into the table, try again.");
    return fail(Code::unavailable, "somebody else writes rows of the same keys into '" + request_.table + "'", "Try again.");
  }

  // The rows that the table has under these keys, as values of `columns`.
  Result<void> look_up(const Places& keys, const std::vector<std::string>& columns,
                       const std::function<Result<void>(const Row&)>& found) {
    std::vector<Row> wanted;
    for (const auto& [name, row] : keys) wanted.push_back(key_in(group_[row]));
    VMC_TRY(text, sql::render_lookup(db_.server(), table_, columns, key_, wanted));
    VMC_TRY(type, row_type(columns, table_));
    VMC_TRY(statement, Statement::make(db_));
    VMC_CHECK(statement.execute(text));
    const auto each = [&](const data::Batch& batch) -> Result<void> {
      for (std::size_t at = 0; at < batch.rows; ++at) {
        Row row;
        for (const auto& column : batch.columns) row.push_back(data::value_at(column, at));
        VMC_CHECK(found(row));
      }
      return {};
    };
    RowStream rows{table_.name, type};
    VMC_CHECK(rows.run(statement, each));
    return rows.finish(each);
  }

  Result<void> read_back(const Places& expected) {
    std::set<std::size_t> seen;
    VMC_CHECK(look_up(expected, columns_, [&](const Row& kept) -> Result<void> {
      const auto found = expected.find(name_of(kept));
      if (found == expected.end()) return {};  // a row whose key the database takes for the same
      const auto row = found->second;
      if (!seen.insert(row).second)
        return fail(Code::conflict, "load into '" + request_.table + "': several rows have one key");
      for (std::size_t i = 0; i < kept.size(); ++i)
        if (!is_same(group_[row][i], kept[i])) return changed(row, columns_[i]);
      return {};
    }));
    for (const auto& [name, row] : expected)
      if (!seen.contains(row)) return changed(row, key_.front());
    return {};
  }

  bool has_other_key() const {
    auto keys = table_.unique_keys;
    if (!table_.primary_key.empty()) keys.push_back(table_.primary_key);
    return std::any_of(keys.begin(), keys.end(), [&](const auto& key) { return !std::ranges::is_permutation(key, key_); });
  }

  Row key_in(const Row& row) const {
    Row out;
    for (const auto at : key_at_) out.push_back(row[at]);
    return out;
  }

  // No two keys of a table share it.
  static std::string name_of_key(const Row& key) {
    std::string out;
    for (const auto& value : key) {
      const auto text = data::format(value);
      out += fmt::format("{}:{}", text.size(), text);
    }
    return out;
  }
  std::string name_of(const Row& row) const { return name_of_key(key_in(row)); }

  Error changed(std::size_t row, std::string_view column) const {
    return refused(request_, fmt::format("column '{}', row {}: the database keeps another value than was sent", column,
                                         done_ + static_cast<std::int64_t>(row) + 1),
                   "Give the column a type that holds it exactly. A trigger that changes what is loaded is refused too.");
  }

  Connection& db_;
  const LoadRequest& request_;
  const LoadPlan& plan_;
  const data::TableInfo& table_;
  const std::vector<std::string> key_;
  const data::RowTypePtr type_;
  std::vector<std::string> columns_;
  std::vector<std::size_t> key_at_;  // in columns_
  std::size_t at_once_, together_;
  std::vector<Row> group_;
  std::size_t bytes_ = 0;  // of its texts
  std::int64_t done_ = 0;
};

}  // namespace

Result<LoadOutcome> load(Connection& db, const LoadRequest& request, const data::TableInfo& table,
                         const BatchSource& rows) {
  VMC_TRY(plan, plan_load(request, table));
  VMC_TRY(key, key_of(plan, request, table));
  VMC_TRY(names, load_names(db.server(), request));
  std::vector<std::string> columns;
  for (const auto* column : plan.columns) columns.push_back(column->name);
  VMC_TRY(type, row_type(columns, table));
  VMC_CHECK(ensure_applied(db, names, request));
  auto into = table;
  if (plan.aside) {
    VMC_CHECK(ensure_aside(db, names, request, plan, key));
    into.name = aside_name(request.table, request.applied_scope).text();
  }
  VMC_TRY(transaction, Transaction::begin(db, request.timeout));
  VMC_CHECK(check_transactions(db, request));
  VMC_TRY(applied, Applied::of(db, names, request));
  VMC_TRY(earlier, applied.claim());
  if (earlier) return *earlier;
  if (plan.aside) VMC_CHECK(refuse_ended(applied, request, {kSwapPart, kDropPart}));
  RowLoader loader{db, request, plan, into, std::move(key), std::move(type)};
  VMC_TRY(written, loader.run(rows));
  VMC_CHECK(applied.record(written));
  crash_point("load.rows_written");
  VMC_CHECK(transaction.commit());
  crash_point("load.committed");
  return LoadOutcome{written, false};
}

}  // namespace vmc::sources::odbc
