#include "sources/mysql/stage.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "sql/dialect.hpp"

namespace vmc::sources::mysql {
namespace {

constexpr unsigned kTruncated = 1265;
constexpr std::size_t kParamsAtOnce = 8'000;
constexpr std::size_t kBytesAtOnce = 1 << 20;  // far below any server's max_allowed_packet

Result<std::string> column_list(const Target& target) {
  std::string out;
  for (const auto& column : target.columns) {
    VMC_TRY(name, sql::quote(sql::Dialect::mysql, column.name));
    out += (out.empty() ? "" : ", ") + name;
  }
  return out;
}

// The loaded rows in order, checked.
class Batches {
 public:
  Batches(const LoadRequest& request, const LoadPlan& plan, const BatchSource& rows)
      : request_{request}, plan_{plan}, rows_{rows} {}
  Result<std::optional<data::Batch>> next() {
    VMC_TRY(batch, rows_());
    if (batch) VMC_CHECK(check_batch(plan_, request_, *batch));
    return batch;
  }
  Error named(Error error) const {
    if (error.code == Code::invalid_request && error.message.starts_with("column "))
      error.message = "load into '" + request_.table + "', " + error.message;
    return error;
  }

 private:
  const LoadRequest& request_;
  const LoadPlan& plan_;
  const BatchSource& rows_;
};

// What LOAD DATA reads, piece by piece.
class Lines {
 public:
  Lines(Batches& batches, RowText& writer) : batches_{batches}, writer_{writer} {}
  Result<std::size_t> pull(char* to, std::size_t room) {
    while (at_ == text_.size()) {
      VMC_TRY(batch, batches_.next());
      if (!batch) return std::size_t{0};
      at_ = 0;
      text_.clear();
      auto written = writer_.append(*batch, text_);
      if (!written) return batches_.named(std::move(written).error());
    }
    const auto size = std::min(room, text_.size() - at_);
    std::memcpy(to, text_.data() + at_, size);
    at_ += size;
    return size;
  }

 private:
  Batches& batches_;
  RowText& writer_;
  std::string text_;
  std::size_t at_ = 0;
};

Result<void> refuse_warnings(Connection& db) {
  if (db.warnings() == 0) return {};
  VMC_TRY(warnings, ask(db, "SHOW WARNINGS LIMIT 1"));
  Failure failure;
  failure.number = kTruncated;
  if (!warnings.empty() && warnings[0][1])
    failure.number = static_cast<unsigned>(std::strtoul(warnings[0][1]->c_str(), nullptr, 10));
  if (!warnings.empty()) failure.words = warnings[0][2].value_or("");
  failure.state = "HY000";
  return db.failed(failure);
}

Result<std::int64_t> stream_rows(Connection& db, const std::string& table, const Target& target, Batches& batches,
                                 RowText& writer) {
  VMC_TRY(columns, column_list(target));
  Lines lines{batches, writer};
  const auto pull = [&](char* to, std::size_t room) -> Result<std::size_t> {
    VMC_CHECK(db.go_on());
    return lines.pull(to, room);
  };
  VMC_CHECK(db.load_data("LOAD DATA LOCAL INFILE 'vmc' INTO TABLE " + table +
                             " CHARACTER SET " + target.read_as +
                             " FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY "
                             "'\\n' (" +
                             columns + ")",
                         pull));
  const auto taken = db.affected();
  VMC_CHECK(refuse_warnings(db));
  if (taken != static_cast<std::uint64_t>(writer.rows()))
    return fail(Code::database_error, "the server took another number of rows than were sent");
  return writer.rows();
}

// Rows as parameters of an insert of many rows.
class Inserts {
 public:
  Inserts(Connection& db, std::string head, std::size_t columns) : db_{db}, head_{std::move(head)}, columns_{columns} {
    at_once_ = std::clamp<std::size_t>(kParamsAtOnce / columns, 1, 500);
  }
  Result<void> add(std::vector<CellText>& cells, std::size_t row, const RowText& writer) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].is_null(row)) {
        params_.null();
        continue;
      }
      std::string_view text;
      if (const char* why = cells[i].get(row, text)) return writer.refuse(i, row, why);
      bytes_ += text.size();
      if (cells[i].is_binary())
        params_.binary(std::string{text});
      else
        params_.text(std::string{text});
    }
    if (++rows_ == at_once_ || bytes_ > kBytesAtOnce) return flush();
    return {};
  }
  Result<void> flush() {
    if (rows_ == 0) return {};
    std::optional<Statement> rest;
    auto& statement = rows_ == at_once_ ? full_ : rest;
    if (!statement) {
      VMC_TRY(prepared, Statement::prepare(db_, text()));
      statement.emplace(std::move(prepared));
    }
    rows_ = bytes_ = 0;
    VMC_CHECK(statement->execute(params_));
    params_.clear();
    return {};
  }

 private:
  std::string text() const {
    std::string one = "(";
    for (std::size_t i = 0; i < columns_; ++i) one += i ? ", ?" : "?";
    one += ")";
    std::string out = head_;
    for (std::size_t i = 0; i < rows_; ++i) out += (i ? ", " : "") + one;
    return out;
  }
  Connection& db_;
  std::string head_;
  std::size_t columns_, at_once_ = 1, rows_ = 0, bytes_ = 0;
  std::optional<Statement> full_;  // prepared once for all full groups
  Params params_;
};

Result<std::int64_t> insert_rows(Connection& db, const std::string& table, const Target& target, Batches& batches,
                                 RowText& writer) {
  VMC_TRY(columns, column_list(target));
  Inserts inserts{db, "INSERT INTO " + table + " (" + columns + ") VALUES ", target.columns.size()};
  for (;;) {
    VMC_TRY(batch, batches.next());
    if (!batch) break;
    std::vector<CellText> cells;
    for (std::size_t i = 0; i < target.columns.size(); ++i) cells.emplace_back(target.columns[i], batch->columns[i]);
    for (std::size_t row = 0; row < batch->rows; ++row)
      if (auto added = inserts.add(cells, row, writer); !added) return batches.named(std::move(added).error());
    writer.count(batch->rows);
  }
  VMC_CHECK(inserts.flush());
  return writer.rows();
}

}  // namespace

Result<void> create_stage(Connection& db, const LoadRequest& request, const Target& target) {
  std::string columns;
  for (std::size_t i = 0; i < target.columns.size(); ++i) {
    VMC_TRY(name, sql::quote(sql::Dialect::mysql, target.columns[i].name));
    columns += name + " " + staged_as((*request.columns)[i], target.columns[i]) + " NULL, ";
  }
  for (const char* name : {kStage, kLastRows}) VMC_CHECK(db.run(std::string{"DROP TEMPORARY TABLE IF EXISTS "} + name));
  VMC_CHECK(db.run(std::string{"CREATE TEMPORARY TABLE "} + kStage + " (" + columns + kStageOrdinal +
                   " bigint NOT NULL AUTO_INCREMENT PRIMARY KEY) ENGINE = InnoDB"));
  if (!target.other_keys) return {};
  return db.run(std::string{"CREATE TEMPORARY TABLE "} + kLastRows +
                " (n bigint NOT NULL PRIMARY KEY) ENGINE = InnoDB");
}

Result<std::int64_t> write_rows(Connection& db, const std::string& table, const LoadRequest& request,
                                const LoadPlan& plan, const Target& target, const BatchSource& rows) {
  Batches batches{request, plan, rows};
  RowText writer{target.columns};
  VMC_TRY(streams, ask(db, "SELECT @@GLOBAL.local_infile + 0"));
  const bool streaming = !streams.empty() && streams[0][0] == "1";
  return streaming ? stream_rows(db, table, target, batches, writer) : insert_rows(db, table, target, batches, writer);
}

}  // namespace vmc::sources::mysql
