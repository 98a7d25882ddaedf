#include "sources/mssql/applied.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "sql/dialect.hpp"

namespace vmc::sources::mssql {
namespace {

constexpr const char* kApplied =
    " ([scope] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL, [part] bigint NOT NULL, [epoch] bigint NOT "
    "NULL, "
    "[rows] bigint NOT NULL, [applied_at] datetime2(3) NOT NULL, PRIMARY KEY ([scope], [part]))";
constexpr int kExists = 2714;

}  // namespace

std::string in_quotes(const std::string& name) {
  std::string out;
  for (char c : name) out += c == '\'' ? "''" : std::string(1, c);
  return out;
}

Error creation_failed(const Connection& db, Error failure, const std::string& table, std::string hint) {
  constexpr int kDenied[] = {262, 2760, 229};
  if (std::find(std::begin(kDenied), std::end(kDenied), db.error_number()) == std::end(kDenied)) return failure;
  return fail(Code::write_not_permitted, "the database user may not create the table " + table, std::move(hint));
}

Result<void> ensure_applied(Connection& db, const LoadNames& names, Duration limit) {
  VMC_CHECK(db.start(limit));
  VMC_CHECK(db.pin(limit, false));
  auto created = db.run(fmt::format("IF OBJECT_ID(N'{}', N'U') IS NULL CREATE TABLE {}{}", in_quotes(names.applied),
                                    names.applied, kApplied));
  if (created || db.error_number() == kExists) return {};
  return creation_failed(
      db, std::move(created).error(), names.applied,
      "Create it: CREATE TABLE " + names.applied + kApplied + "; and GRANT SELECT, INSERT, UPDATE on it.");
}

Result<std::optional<LoadOutcome>> Applied::claim() {
  Params part;
  part.text(request_.applied_scope).number(request_.part);
  VMC_TRY(earlier, db_.run("SELECT [rows], [epoch] FROM " + names_.applied +
                               " WITH (UPDLOCK, HOLDLOCK) WHERE [scope] = @p1 AND [part] = @p2",
                           part));
  if (!earlier.empty()) {
    if (number_of(earlier[0], 1) > request_.attempt_epoch)
      return newer_attempt(request_);
    return std::optional{LoadOutcome{number_of(earlier[0], 0), true}};
  }
  Params row;
  row.text(request_.applied_scope).number(request_.part).number(request_.attempt_epoch);
  VMC_CHECK(
      db_.run("INSERT INTO " + names_.applied +
                  " ([scope], [part], [epoch], [rows], [applied_at]) VALUES (@p1, @p2, @p3, 0, SYSUTCDATETIME())",
              row));
  return std::optional<LoadOutcome>{};
}

Result<void> Applied::record(std::int64_t rows) {
  Params params;
  params.text(request_.applied_scope).number(request_.part).number(rows);
  VMC_CHECK(db_.run("UPDATE " + names_.applied + " SET [rows] = @p3 WHERE [scope] = @p1 AND [part] = @p2", params));
  return {};
}

Result<bool> Applied::has(std::int64_t part) {
  Params params;
  params.text(request_.applied_scope).number(part);
  VMC_TRY(found, db_.run("SELECT [rows] FROM " + names_.applied + " WHERE [scope] = @p1 AND [part] = @p2", params));
  return !found.empty();
}

Result<std::vector<std::string>> Applied::scopes_alive() {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(kAsideKept).count();
  VMC_TRY(found, db_.run(fmt::format("SELECT DISTINCT a.[scope] FROM {0} AS a WHERE a.[part] >= 0 AND a.[applied_at] > "
                                     "DATEADD(second, -{1}, SYSUTCDATETIME()) AND NOT EXISTS (SELECT 1 AS n FROM {0} "
                                     "AS e WHERE e.[scope] = a.[scope] AND e.[part] < 0)",
                                     names_.applied, seconds)));
  std::vector<std::string> scopes;
  for (const auto& row : found) scopes.push_back(text_of(row, 0));
  return scopes;
}

}  // namespace vmc::sources::mssql
