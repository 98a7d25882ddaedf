// Which tables and columns a statement may reach: the approved schema less what is private, or, where no schema is
// known, everything but what is private.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "data/schema.hpp"
#include "sql/dialect.hpp"
#include "sql/guard/query.hpp"

namespace vmc::sql {

class Catalogue {
 public:
  struct Table {
    std::string name;                              // as the schema calls it
    std::optional<std::set<std::string>> columns;  // folded; unknown without a schema
    std::set<std::string> private_columns;         // as is_private() compares them
    std::map<std::string, std::string> spellings{};  // of folded columns that the schema spells otherwise
    std::vector<std::string> key{};                // folded; the primary key, where the schema knows one
    bool all_private = false;
    bool private_moments = false;                  // a private column is or may be a moment in time
    bool view = false;

    const std::string& spelled(const std::string& column) const {
      const auto found = spellings.find(column);
      return found == spellings.end() ? column : found->second;
    }
  };

  // `private_parts`: what the schema derives from them is private too. `database`: the connection's own, which may
  // stand before a table's name; where neither it nor a schema is known, any may.
  static Catalogue make(Dialect dialect, const data::Schema* schema, data::Parts private_parts,
                        std::string_view database = "");

  // nullptr: not in the schema; without one: what is not known from the private parts either is a table without a name.
  // `path` has one part (in the default schema) or two; folded.
  const Table* find(const Path& path) const;
  // From here on a name without a schema means no table: which one it means where it stands is not known.
  void take_qualified_only() { qualified_ = true; }
  // In any case and, where a server may leave accents out, without them.
  bool is_private(const Table& table, const std::string& column) const;
  bool closed() const { return closed_; }             // there is a schema: what is not in it does not exist
  bool has_private() const { return has_private_; }
  // "Cte" and "cte" are one name. Without a schema, as `guard check` may be asked, that is assumed where nothing is private:
  // it is how most databases are, and nothing runs on that verdict.
  bool ignores_case() const { return ignores_case_; }
  // A column of the schema is of this type.
  bool has_type(const std::string& name) const { return types_.contains(name); }
  // T-SQL: columns of this folded name are spelled in several ways, which are or may be several names.
  bool has_two_spellings(const std::string& column) const { return two_spellings_.contains(column); }
  const std::map<std::string, Table>& tables() const { return tables_; }

 private:
  void hide_derived(const data::Schema& schema);

  Dialect dialect_ = Dialect::postgres;
  std::string database_;
  bool closed_ = false, has_private_ = false, qualified_ = false, ignores_case_ = false;
  std::map<std::string, Table> tables_;  // by folded "schema.table" or "table" in the default schema
  std::set<std::string> types_;          // bare names
  std::set<std::string> two_spellings_;
  Table unknown_;                        // any table where nothing is known
};

// "customers.email", "salaries.*", "archive.orders_2019.total". INVALID_REQUEST names one that is none of these.
Result<data::Parts> parts_in(const std::vector<std::string>& names);

// As the dialect compares names that are not quoted; MySQL and T-SQL compare all names so.
std::string folded(Dialect dialect, std::string_view name);
// "main", "public", "dbo"; empty where the connection's database is the schema (MySQL).
std::string_view default_schema(Dialect dialect);

}  // namespace vmc::sql
