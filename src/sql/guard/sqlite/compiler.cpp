#include "sql/guard/sqlite/compiler.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <sqlite3.h>

namespace vmc::sql::sqlite {
namespace {

// Of the program a statement becomes; a list of 85,000 values, which fill the longest text, takes some 260,000.
constexpr int kInstructionsMax = 1'000'000;

struct Finalizer {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Stmt = std::unique_ptr<sqlite3_stmt, Finalizer>;

std::string in_quotes(std::string_view name) {
  std::string quoted{'"'};
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

// A schema names a table with a dot of its own with its database.
std::string_view bare(std::string_view table) {
  constexpr std::string_view kMain = "main.";
  return table.starts_with(kMain) ? table.substr(kMain.size()) : table;
}

}  // namespace

// Tables are virtual ones, because only those have hidden columns. They have no rows: nothing opens one.
struct Compiler::Module {
  static int connect(sqlite3* db, void* declared, int, const char* const*, sqlite3_vtab** table, char**) {
    auto& one = *static_cast<Declared*>(declared);
    one.owner.making_table_ = true;
    const int rc = sqlite3_declare_vtab(db, one.declaration.c_str());
    one.owner.making_table_ = false;
    if (rc == SQLITE_OK) *table = new sqlite3_vtab{};
    return rc;
  }
  static int disconnect(sqlite3_vtab* table) {
    delete table;
    return SQLITE_OK;
  }
  static int best_index(sqlite3_vtab*, sqlite3_index_info*) { return SQLITE_OK; }
  static int open(sqlite3_vtab*, sqlite3_vtab_cursor**) { return SQLITE_ERROR; }

  static sqlite3_module made() {
    sqlite3_module module{};  // no xCreate: a table is there without being created, under the module's name
    module.xConnect = connect;
    module.xDisconnect = disconnect;
    module.xBestIndex = best_index;
    module.xOpen = open;
    return module;
  }
  static const sqlite3_module kModule;
};
const sqlite3_module Compiler::Module::kModule = made();

void Compiler::Closer::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

Result<std::unique_ptr<Compiler>> Compiler::make(const Catalogue& catalogue, const std::set<std::string>& functions,
                                                 Shape shape) {
  std::unique_ptr<Compiler> made{new Compiler{catalogue, functions, shape}};
  VMC_CHECK(made->open());
  VMC_TRY(known_functions, made->names("PRAGMA function_list"));
  VMC_TRY(known_modules, made->names("PRAGMA module_list"));
  made->library_ = {sqlite3_libversion(), std::move(known_functions), std::move(known_modules)};
  VMC_CHECK(made->make_system_tables());
  VMC_CHECK(made->declare_tables());
  VMC_CHECK(made->declare_functions());
  sqlite3_set_authorizer(made->db_.get(), on_authorize, made.get());
  return made;
}

Result<void> Compiler::open() {
  sqlite3* db = nullptr;
  const int rc = sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  db_.reset(db);
  if (rc != SQLITE_OK) return fail(Code::internal, fmt::format("no database in memory: {}", sqlite3_errstr(rc)));
  // "x" is a name and never a text, as in the sessions that run what is accepted.
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 2 * static_cast<int>(kStatementBytesMax));
  sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, static_cast<int>(kStatementBytesMax));
  sqlite3_limit(db, SQLITE_LIMIT_VARIABLE_NUMBER, static_cast<int>(kParamsMax));
  sqlite3_limit(db, SQLITE_LIMIT_VDBE_OP, kInstructionsMax);
  sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
  return {};
}

// The first column of what a pragma lists.
Result<std::set<std::string, std::less<>>> Compiler::names(const char* pragma) {
  sqlite3_stmt* raw = nullptr;
  const int rc = sqlite3_prepare_v3(db_.get(), pragma, -1, 0, &raw, nullptr);
  const Stmt statement{raw};
  if (rc != SQLITE_OK) return fail(Code::internal, fmt::format("{}: {}", pragma, sqlite3_errmsg(db_.get())));
  std::set<std::string, std::less<>> list;
  while (sqlite3_step(raw) == SQLITE_ROW)
    list.insert(folded(Dialect::sqlite, reinterpret_cast<const char*>(sqlite3_column_text(raw, 0))));
  return list;
}

// Made before the authorizer is there, which would take their making for writing. All other modules go.
Result<void> Compiler::make_system_tables() {
  const char* kept[] = {"json_each", "json_tree", nullptr};
  sqlite3_drop_modules(db_.get(), kept);
  for (const auto& table : system_tables()) {
    sqlite3_stmt* raw = nullptr;
    const auto text = fmt::format("SELECT 1 FROM {}", table.name);
    const int rc = sqlite3_prepare_v3(db_.get(), text.c_str(), -1, 0, &raw, nullptr);
    sqlite3_finalize(raw);
    if (rc != SQLITE_OK) return fail(Code::internal, fmt::format("{}: {}", table.name, sqlite3_errmsg(db_.get())));
  }
  return {};
}

Result<void> Compiler::declare_tables() {
  if (!catalogue_.closed()) return {};
  for (const auto& [key, table] : catalogue_.tables()) {
    const std::string name{bare(key)};
    if (is_system_name(name) || find_system_table(name)) continue;  // it would hide, or be hidden by, SQLite's own
    auto declaration = declaration_of(name, table);
    if (declaration.empty()) continue;
    const auto [made, _] = declared_.emplace(name, Declared{*this, table, std::move(declaration)});
    const int rc = sqlite3_create_module(db_.get(), name.c_str(), &Module::kModule, &made->second);
    if (rc != SQLITE_OK) return fail(Code::internal, fmt::format("{}: {}", name, sqlite3_errmsg(db_.get())));
  }
  return {};
}

// Empty: nothing of the table may be seen. Types are left out: no name is resolved by its type.
std::string Compiler::declaration_of(const std::string& name, const Catalogue::Table& table) const {
  if (table.all_private && !shape_.private_parts) return {};
  std::string columns;
  const auto add = [&](const std::string& column, std::string_view kind) {
    columns += fmt::format("{}{}{}", columns.empty() ? "" : ",", in_quotes(column), kind);
  };
  for (const auto& column : *table.columns)
    if (shape_.private_parts || !table.private_columns.contains(column)) add(column, "");
  if (columns.empty()) return {};
  if (shape_.full_text && table.key.empty())
    for (const auto& hidden : {name, std::string{"rank"}, std::string{"docid"}})
      if (!table.columns->contains(hidden)) add(hidden, " HIDDEN");
  return fmt::format("CREATE TABLE declared({})", columns);
}

// The customer's own: with any number of arguments, and never called.
Result<void> Compiler::declare_functions() {
  for (const auto& name : functions_) {
    const int rc = sqlite3_create_function_v2(
        db_.get(), name.c_str(), -1, SQLITE_UTF8, nullptr, [](sqlite3_context*, int, sqlite3_value**) {}, nullptr,
        nullptr, nullptr);
    if (rc != SQLITE_OK) return fail(Code::invalid_request, fmt::format("'{}' cannot be a function's name", name));
  }
  return {};
}

std::optional<Refusal> Compiler::check(std::string_view statement) {
  denied_.reset();
  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  const int rc = sqlite3_prepare_v3(db_.get(), statement.data(), static_cast<int>(statement.size()), 0, &raw, &tail);
  const Stmt compiled{raw};
  if (rc != SQLITE_OK) {
    if (denied_) return denied_;
    // Tables come before columns: until all of them are known SQLite looks at no other name.
    const bool unknown_table = std::string_view{sqlite3_errmsg(db_.get())}.starts_with("no such table: ");
    if (!catalogue_.closed() && unknown_table) return std::nullopt;
    return refusal_of_error();
  }
  // COMMIT and ROLLBACK count as read-only: the authorizer has refused them.
  if (raw && tail == statement.data() + statement.size() && sqlite3_stmt_readonly(raw) != 0 &&
      sqlite3_stmt_isexplain(raw) == 0 && sqlite3_column_count(raw) > 0)
    return std::nullopt;
  return Refusal{Layer::syntax, Code::write_operation_rejected, 0, "this is not exactly one query", "Send one SELECT."};
}

Refusal Compiler::refusal_of_error() const {
  const std::string message = sqlite3_errmsg(db_.get());
  const int offset = sqlite3_error_offset(db_.get());
  const auto at = static_cast<std::size_t>(std::max(offset, 0));
  const auto says = [&](std::string_view begin) { return message.starts_with(begin); };
  if (sqlite3_errcode(db_.get()) == SQLITE_NOMEM)
    return {Layer::syntax, Code::write_operation_rejected, 0, "the statement is too large to compile",
            "Write a smaller one."};
  if (says("no such table") || says("no such column"))
    return {Layer::names, Code::schema_access_denied, at, message + " in the approved schema",
            "Check the name, or ask the owner to approve it; texts stand in single quotes."};
  if (says("ambiguous column name"))
    return {Layer::names, Code::write_operation_rejected, at, message, "Put the table's name before it."};
  // A syntax error quotes what stands there, which may be a value.
  if (says("near "))
    return {Layer::syntax, Code::write_operation_rejected, at, "SQLite does not understand this", ""};
  return {Layer::syntax, Code::write_operation_rejected, at, "SQLite says: " + message, ""};
}

int Compiler::on_authorize(void* self, int action, const char* a, const char* b, const char*, const char*) {
  const auto text = [](const char* one) { return one ? std::string_view{one} : std::string_view{}; };
  return static_cast<Compiler*>(self)->may(action, text(a), text(b)) ? SQLITE_OK : SQLITE_DENY;
}

bool Compiler::may(int action, std::string_view a, std::string_view b) {
  if (making_table_) return true;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return true;
    case SQLITE_FUNCTION:
      return may_call(b);
    case SQLITE_READ:
      return may_read(a, b);
    default:
      denied_ = Refusal{Layer::syntax, Code::write_operation_rejected, 0, "this does more than read",
                        "Ask for rows with SELECT."};
      return false;
  }
}

bool Compiler::may_call(std::string_view function) {
  const auto name = folded(Dialect::sqlite, function);
  if (is_harmless_function(name) || functions_.contains(name)) return true;
  denied_ = Refusal{Layer::functions, Code::write_operation_rejected, 0,
                    fmt::format("function '{}' is not known to be harmless", name),
                    "Use functions of SQLite that only compute."};
  return false;
}

bool Compiler::may_read(std::string_view table, std::string_view column) {
  // No column, only rows. A CTE's name may stand here: whether a table of that name exists is what tells.
  if (column.empty()) return true;
  const auto name = folded(Dialect::sqlite, table);
  const auto part = folded(Dialect::sqlite, column);
  bool readable = false;
  if (const auto found = declared_.find(name); found != declared_.end()) {
    const auto& known = found->second.table;
    const bool whole = part == name && !known.columns->contains(part);  // of a full-text table
    const bool row_number = part == "rowid" && !known.columns->contains(part);
    // A key of one column may be the row number under another name.
    const auto& read = row_number && known.key.size() == 1 ? known.key.front() : part;
    readable = !known.all_private && !known.private_columns.contains(read) &&
               (!whole || known.private_columns.empty());
  } else if (const auto* system = find_system_table(name)) {
    const auto& columns = system->columns;
    readable = columns.empty() || std::find(columns.begin(), columns.end(), part) != columns.end();
  }
  if (!readable)
    denied_ = Refusal{Layer::names, Code::schema_access_denied, 0, fmt::format("'{}.{}' is private", name, part),
                      "Its owner keeps it out of what is shared."};
  return readable;
}

}  // namespace vmc::sql::sqlite
