// SQLite's own compiler over the tables of a catalogue: it resolves every name and tells what is read. Its tables have
// no rows, and what it compiles is never run.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "sql/guard/catalogue.hpp"
#include "sql/guard/sqlite/functions.hpp"
#include "sql/guard/verdict.hpp"

struct sqlite3;

namespace vmc::sql::sqlite {

class Compiler {
 public:
  struct Shape {
    bool private_parts = true;  // false: without private columns and tables, as if there were none
    // Tables have the columns that a full-text table has besides its own: one of its own name, for all of it, and
    // "rank". No schema tells which tables are full-text ones; those with a key are not.
    bool full_text = false;
  };
  // Both outlive the compiler.
  static Result<std::unique_ptr<Compiler>> make(const Catalogue& catalogue, const std::set<std::string>& functions,
                                                Shape shape);

  // One statement without its semicolon. Without a schema any table may exist: then only the syntax is judged, and the
  // names of a statement that has no tables.
  std::optional<Refusal> check(std::string_view statement);

  // What this SQLite knows besides what is offered.
  const Library& library() const { return library_; }

 private:
  // What a module is registered with: SQLite makes the table when a statement first mentions it.
  struct Declared {
    Compiler& owner;
    const Catalogue::Table& table;
    std::string declaration;
  };
  struct Module;
  struct Closer {
    void operator()(sqlite3* db) const;
  };

  Compiler(const Catalogue& catalogue, const std::set<std::string>& functions, Shape shape)
      : catalogue_{catalogue}, functions_{functions}, shape_{shape} {}

  Result<void> open();
  Result<std::set<std::string, std::less<>>> names(const char* pragma);
  Result<void> declare_tables();
  Result<void> declare_functions();
  Result<void> make_system_tables();
  std::string declaration_of(const std::string& name, const Catalogue::Table& table) const;

  static int on_authorize(void* self, int action, const char* a, const char* b, const char*, const char*);
  bool may(int action, std::string_view a, std::string_view b);
  bool may_call(std::string_view function);
  bool may_read(std::string_view table, std::string_view column);
  Refusal refusal_of_error() const;

  const Catalogue& catalogue_;
  const std::set<std::string>& functions_;
  const Shape shape_;
  Library library_;
  std::map<std::string, Declared, std::less<>> declared_;  // by folded name
  std::optional<Refusal> denied_;                          // by the authorizer, in the running check
  bool making_table_ = false;
  std::unique_ptr<sqlite3, Closer> db_;  // closed first: its modules point into declared_
};

}  // namespace vmc::sql::sqlite
