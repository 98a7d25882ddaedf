// What a statement reads, as far as names decide it: queries, the tables and columns they mention, and who sees whom.
// Each dialect's reader makes one; resolve() judges it. Expressions have no structure here: only the names in them.
//
// Names are folded as the dialect compares them (PostgreSQL: lower case unless quoted; MySQL and T-SQL: lower case).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "data/schema.hpp"

namespace vmc::sql {

struct Query;
using Path = std::vector<std::string>;  // {"customers", "email"}, {"archive", "orders_2019"}

// A name in an expression, or a query in one.
struct Use {
  enum class Kind {
    column,  // path: qualifiers, then the column
    star,    // path: the qualifiers of "*"
    query,   // query: a subquery, which sees the names around it
    field,   // path: the row's name where it is a bare one, then a field; without such a field it would be a function
    type,    // path: no type of the server's own: an enum, a domain, or a table's row
    relation,   // path: a table that a text names, to be looked up in the server's catalogue
    catalogue,  // path: what looks up in it more than can be told here
    full_text,  // SQLite: path: the table, or a column of it, all of whose columns a search looks into; empty: any here
  };
  // Where an unqualified name may also be the name of an output of the same block.
  enum class Alias {
    never,   // the select list, WHERE, OVER, any larger expression: columns only
    first,   // ORDER BY with nothing but the name: the output wins
    second,  // GROUP BY or HAVING where the dialect allows it: only if no table has such a column
  };
  Kind kind = Kind::column;
  Path path;
  std::size_t at = 0;
  Alias alias = Alias::never;
  // PostgreSQL reads x.f as f(x) where x has no column f: is this one that functions or system tables are known to have?
  bool known_field = false;
  bool perhaps = false;   // it may be of the queries around: what they keep back it does not name
  bool certain = false;   // T-SQL: unless there is such a column here, a method's call is one of a customer's function
  bool property = false;  // T-SQL: the last name may be a property of the column before it: location.Lat
  std::shared_ptr<const Query> query;  // shared: a Use is copied when a clause is repeated
  // The items of its block that it sees, by number: ON sees those of its join, LIMIT none. What they do not have is
  // looked for around the block, not in the other items.
  std::size_t first_item = 0, last_item = static_cast<std::size_t>(-1);
};

// The uses from a number on see only the items from `first` to `last`; with (1, 0) none.
inline void see_items(std::vector<Use>& uses, std::size_t from, std::size_t first, std::size_t last) {
  for (; from < uses.size(); ++from) {
    uses[from].first_item = first;
    uses[from].last_item = last;
  }
}

// One output of a block.
struct Output {
  enum class Kind { named, unnamed, star, fields } kind = Kind::unnamed;  // fields: names that are not known here
  std::string name;  // named: the alias, the column's name, or what the server would call it; fields: perhaps one
  Path path;         // star: its qualifiers
  bool property = false;  // T-SQL: perhaps of the column before it, and then without a name: location.Lat
  bool perhaps = false;   // MySQL: one of the two names that a column of VALUES may have
  // SQLite: its length, and where its own among the uses of its block end.
  std::size_t tokens = 0, uses_end = 0;
};

// Something in FROM.
struct Item {
  enum class Kind {
    table,     // path; a CTE when the path has one part and one is in sight
    query,     // query
    function,  // its arguments stand in `uses`; its columns are unknown; MySQL: a table where there is one of that path
  };
  Kind kind = Kind::table;
  Path path;
  std::size_t at = 0;
  std::string alias;                 // empty: the table's own name
  std::vector<std::string> columns;  // of an alias with a column list
  std::vector<std::string> added;    // beside its own: those of a versioned table
  std::shared_ptr<const Query> query;
  bool lateral = false;    // sees the items before it (LATERAL, APPLY; a function always does)
  bool is_join = false;    // a join in parentheses with a name: its ON sees nothing of the items beside it
  std::size_t lateral_from = 0;  // from this number on: APPLY sees those of its join
  bool catalogue = false;  // a system table or view that may be read
  bool hidden = false;     // one that may not; a CTE of its name may
  bool by_time = false;     // FOR SYSTEM_TIME: two columns that are not named here say from when to when a row holds
  bool definition = false;  // its definition is shown: a table's, as a view's is a source text
  std::vector<Use> uses;
  bool soft = false;  // T-SQL: it may lack columns that are known of it, so that a bare name may go past it
  bool natural = false;                   // joined to the items before it by all common names
  std::vector<std::string> using_columns;  // joined to the items before it by these
};

// One SELECT, VALUES or TABLE.
struct Block {
  std::vector<Item> items;
  std::vector<Output> outputs;
  std::vector<Use> uses;  // of the select list, join conditions, WHERE, GROUP BY, HAVING, windows
  // SQLite: its length with all that is in it; how many rows VALUES has.
  std::size_t tokens = 0, rows = 1;
};

struct CommonTable {
  std::string name;
  std::vector<std::string> columns;  // of its list; empty: those of the query
  std::vector<std::string> added;    // beside them, by SEARCH and CYCLE
  std::shared_ptr<const Query> query;
  bool recursive = false;  // sees itself (and, in `Query::recursive`, all of its WITH)
};

// [WITH …] block [UNION … block …] [ORDER BY …]
struct Query {
  std::vector<CommonTable> with;
  bool recursive = false;  // WITH RECURSIVE: each sees all of them; otherwise only those before it
  // Its arms in reading order; an arm in parentheses with its own WITH or ORDER BY is a block whose only item is that
  // query and whose output is a star.
  std::vector<Block> blocks;
  std::vector<Use> order_by;  // ORDER BY, LIMIT; sees the tables of the block when there is only one
  std::size_t tokens = 0;     // SQLite: its length with all that is in it
  // Of the whole statement: names that it spells in several ways, where some servers tell these apart. An output of such a
  // name may not be what a use of it means.
  std::set<std::string> spelled_otherwise;
  data::Calls calls;  // as in Verdict; those that names decide are not among them
};

// As if all of the item's columns were read: SELECT * FROM item.
inline Use whole_of(const Item& item, std::size_t at) {
  Query query;
  auto& block = query.blocks.emplace_back();
  if (!item.catalogue) block.outputs.push_back({Output::Kind::star, {}, {}});
  block.items.push_back(item);
  block.items.back().uses.clear();
  return {.kind = Use::Kind::query, .path = {}, .at = at, .query = std::make_shared<const Query>(std::move(query))};
}

}  // namespace vmc::sql
