#include "sql/guard/resolve.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

namespace vmc::sql {
namespace {

// Relations of pg_catalog with a column of access rights: relacl, nspacl, attacl, typacl.
constexpr std::array<std::string_view, 4> kWithRights{"pg_attribute", "pg_class", "pg_namespace", "pg_type"};
constexpr std::size_t kCommonTablesMax = 1'000;
constexpr std::array kPostgresSystemColumns{"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"};
// Of PostGIS, pgvector and others, to which people cast though no column has them.
constexpr std::array<std::string_view, 14> kExtensionTypes{"box2d",     "box3d",     "citext",    "cube",   "earth",
                                                           "geography", "geometry",  "halfvec",   "hstore", "lquery",
                                                           "ltree",     "ltxtquery", "sparsevec", "vector"};

// Where no schema says which columns there are, x.nextval is a call, and so is what does more than look at x.
constexpr std::array<std::string_view, 14> kCallsByStart{
    "binary_upgrade_", "brin_",        "crosstab", "cursor_to_xml", "database_to_xml", "dblink", "pg_", "query_to_xml",
    "schema_to_xml",   "table_to_xml", "ts_stat",  "ts_rewrite",    "txid_",           "xslt_"};
constexpr std::array<std::string_view, 28> kCalls{
    "connectby",   "currtid2",      "current_setting", "currval",     "lastval", "lo_close", "lo_creat",
    "lo_create",   "lo_export",     "lo_from_bytea",   "lo_get",      "lo_import", "lo_lseek", "lo_lseek64",
    "lo_open",     "lo_put",        "lo_tell",         "lo_tell64",   "lo_truncate", "lo_truncate64", "lo_unlink",
    "loread",      "lowrite",       "nextval",         "normal_rand", "set_config", "setseed", "setval"};
bool is_call(std::string_view name) {
  return name.ends_with("_privilege") || std::find(kCalls.begin(), kCalls.end(), name) != kCalls.end() ||
         std::any_of(kCallsByStart.begin(), kCallsByStart.end(), [&](auto start) { return name.starts_with(start); });
}

// The columns of something in FROM, or of a query.
struct Columns {
  std::set<std::string> names;
  bool open = false;  // there may be others
  std::set<std::string> likely = {};  // of an open one: no bare name ends its search here, but a qualified one may be it
  std::set<std::string> soft = {};    // of the names: the same where the server may know better

  bool has(const std::string& name) const { return names.contains(name); }
};

// An item of FROM as the names around it see it.
struct Visible {
  std::string alias;  // how it is called; for a table without an alias its own name
  Path path;          // of a table without an alias: it may be qualified
  const Catalogue::Table* table = nullptr;
  Columns columns;              // of what is no table
  bool lists_accounts = false;  // a system table with a column of rights
  bool renamed = false;         // a list of names stands in the place of the table's own, as far as it goes
};

struct Scope {
  const Scope* outer = nullptr;  // around it; of a lateral item: what stands before it
  std::vector<Visible> items;
  std::set<std::string> outputs;
  bool beside_join = false;  // the items beside a join, for what is lateral in it
  // Items of the same FROM that are out of sight here. Servers differ in that beside a comma: what these keep back is not
  // named.
  std::vector<const Visible*> beside = {};
};

// The CTEs in sight, innermost first.
struct With {
  const With* outer = nullptr;
  std::string name;
  Columns columns;
};

std::string text_of(const Path& path) { return fmt::format("{}", fmt::join(path, ".")); }

class Resolver {
 public:
  Resolver(Dialect dialect, const Catalogue& catalogue) : dialect_{dialect}, catalogue_{catalogue} {}

  Verdict run(const Query& query) {
    spelled_otherwise_ = &query.spelled_otherwise;
    resolve(query, nullptr, nullptr);
    Verdict verdict;
    verdict.refusal = std::move(refusal_);
    if (verdict.accepted()) {
      verdict.reads = std::move(reads_);
      verdict.calls = query.calls;
      verdict.calls.merge(calls_);
      verdict.definition = std::move(definition_);
    }
    return verdict;
  }

 private:
  Columns resolve(const Query& query, const Scope* outer, const With* with);
  Columns resolve_with(const Query& query, std::size_t next, const Scope* outer, const With* with);
  Columns resolve_body(const Query& query, const Scope* outer, const With* with);
  Columns resolve_block(const Block& block, Scope& scope, const With* with);
  void add_item(const Item& item, Scope& scope, const With* with);
  Visible visible(const Item& item, const Scope& scope, const With* with);
  Visible visible_table(const Item& item, const With* with);
  // What looks like a table that MariaDB makes up: seq_1_to_9.
  bool is_table_after_all(const Item& item) const {
    const bool looked_up = dialect_ == Dialect::mysql && item.kind == Item::Kind::function && !item.path.empty();
    const auto* table = looked_up ? catalogue_.find(item.path) : nullptr;
    return table && !table->name.empty();
  }
  void check_join(const Item& item, Scope& scope);

  void use(const Use& use, const Scope& whole, const With* with);
  void use_around(const Use& use, const Scope* level);
  void use_in(const Use& use, const Scope& scope, const With* with);
  void use_column(const Use& use, const Scope& scope);
  void use_bare(const Use& use, const Scope& scope);
  void use_qualified(const Use& use, const Scope& scope);
  void use_star(const Path& qualifiers, std::size_t at, const Scope& scope);
  void use_field(const Use& use, const Scope& scope);
  void use_type(const Use& use);
  void use_relation(const Use& use);
  void reach_all(const Visible& item, std::size_t at);
  // What is reached depends on the columns the table has when the statement runs.
  void by_place(const Catalogue::Table& table) {
    if (catalogue_.closed()) reads_[table.name].insert("*");
  }
  bool reach(const Visible& item, const std::string& column, std::size_t at);
  const Visible* find_item(const Path& qualifiers, const Scope& scope) const;
  std::vector<const Visible*> namesakes(const Path& qualifiers, const Scope& scope) const;
  bool is_called(const Visible& item, const Path& qualifiers) const;

  Columns named(const std::vector<std::string>& list, Columns columns) const;
  Columns named(const CommonTable& table, Columns columns) const;
  // CHECKSUM(*) where nothing stands in FROM.
  const Scope& with_items(const Scope& scope) const {
    const auto* level = &scope;
    while (dialect_ == Dialect::mssql && level->items.empty() && level->outer) level = level->outer;
    return *level;
  }

  bool is_system_column(const std::string& name) const {
    return dialect_ == Dialect::postgres &&
           std::find(kPostgresSystemColumns.begin(), kPostgresSystemColumns.end(), name) != kPostgresSystemColumns.end();
  }
  bool is_column_somewhere(const std::string& name) const {
    if (!catalogue_.closed()) return !is_call(name);
    const auto& tables = catalogue_.tables();
    return std::any_of(tables.begin(), tables.end(), [&](const auto& entry) {
      return entry.second.columns->contains(name) && !catalogue_.is_private(entry.second, name);
    });
  }
  // PostgreSQL: where x has no column f, x.f is a call of f.
  void may_call(const std::string& name) {
    if (dialect_ == Dialect::postgres) calls_.emplace(name, 1);
  }
  void deny(std::size_t at, std::string what, std::string hint = {}) {
    if (!refusal_) refusal_ = Refusal{Layer::names, Code::schema_access_denied, at, std::move(what), std::move(hint)};
  }

  Dialect dialect_;
  const Catalogue& catalogue_;
  const std::set<std::string>* spelled_otherwise_ = nullptr;
  std::optional<Refusal> refusal_;
  data::Reads reads_;
  std::optional<std::string> definition_;
  data::Calls calls_;
};

Columns Resolver::named(const std::vector<std::string>& list, Columns columns) const {
  if (list.empty()) return columns;
  if (dialect_ == Dialect::mssql) return {{list.begin(), list.end()}, false};  // it must have all of them
  columns.likely.merge(columns.names);
  // A list may be shorter than the columns: the rest keep their names.
  return {{list.begin(), list.end()}, true, std::move(columns.likely)};
}

Columns Resolver::named(const CommonTable& table, Columns columns) const {
  auto out = named(table.columns, std::move(columns));
  out.names.insert(table.added.begin(), table.added.end());
  return out;
}

// What a CTE that reads itself is known to have before it is read.
Columns expected(const CommonTable& table) {
  Columns columns{{}, true, {table.columns.begin(), table.columns.end()}};
  if (table.query->blocks.empty()) return columns;
  for (const auto& output : table.query->blocks.front().outputs)
    if (output.kind == Output::Kind::named) columns.likely.insert(output.name);
  return columns;
}

Columns Resolver::resolve(const Query& query, const Scope* outer, const With* with) {
  if (query.with.size() > kCommonTablesMax)  // each is a level of recursion here
    deny(0, fmt::format("the statement has more than {} common table expressions in one WITH", kCommonTablesMax));
  return resolve_with(query, 0, outer, with);
}

// One CTE after the other, each on the stack of the one before: names in sight are a chain.
Columns Resolver::resolve_with(const Query& query, std::size_t next, const Scope* outer, const With* with) {
  if (refusal_) return {};
  if (next == query.with.size()) return resolve_body(query, outer, with);
  if (next == 0 && query.recursive) {
    // All see all: their columns are not known before they are read.
    std::vector<With> chain(query.with.size());
    const With* last = with;
    for (std::size_t i = 0; i < chain.size(); ++i) {
      chain[i] = {last, query.with[i].name, expected(query.with[i])};
      last = &chain[i];
    }
    for (std::size_t i = 0; i < chain.size(); ++i)
      chain[i].columns = named(query.with[i], resolve(*query.with[i].query, outer, last));
    return resolve_body(query, outer, last);
  }
  const auto& table = query.with[next];
  const With self{with, table.name, expected(table)};
  auto columns = resolve(*table.query, outer, table.recursive ? &self : with);
  const With seen{with, table.name, named(table, std::move(columns))};
  return resolve_with(query, next + 1, outer, &seen);
}

Columns Resolver::resolve_body(const Query& query, const Scope* outer, const With* with) {
  Columns columns;
  Scope only{outer, {}, {}};
  for (std::size_t i = 0; i < query.blocks.size(); ++i) {
    Scope scope{outer, {}, {}};
    auto made = resolve_block(query.blocks[i], scope, with);
    if (i == 0) {
      columns = std::move(made);  // the first arm names the columns
      only = std::move(scope);
    }
  }
  if (query.blocks.size() > 1) {
    only.items.clear();
    only.items.push_back({"", {}, nullptr, columns, false});
  }
  for (const auto& one : query.order_by) use(one, only, with);
  return columns;
}

Columns Resolver::resolve_block(const Block& block, Scope& scope, const With* with) {
  for (const auto& item : block.items) add_item(item, scope, with);
  for (const auto& output : block.outputs)
    if (output.kind == Output::Kind::named && !output.property) scope.outputs.insert(output.name);
  std::set<std::string> perhaps;
  for (const auto& output : block.outputs)
    if (output.perhaps) perhaps.insert(output.name);
  for (const auto& one : block.uses) use(one, scope, with);
  Columns columns{scope.outputs, false, {}, std::move(perhaps)};
  for (const auto& output : block.outputs)
    if (output.property) columns.names.insert(output.name);  // a derived table has no column without a name
  for (const auto& output : block.outputs) {
    columns.open = columns.open || output.kind == Output::Kind::fields;
    if (output.kind == Output::Kind::fields && !output.name.empty()) columns.likely.insert(output.name);
    if (output.kind != Output::Kind::star) continue;
    use_star(output.path, 0, scope);
    for (const auto& item : scope.items) {
      if (!output.path.empty() && find_item(output.path, scope) != &item) continue;
      const auto& own = item.table && item.table->columns ? *item.table->columns : item.columns.names;
      auto& into = item.renamed ? columns.likely : columns.names;
      into.insert(own.begin(), own.end());
      columns.names.insert(item.columns.names.begin(), item.columns.names.end());
      // A star leaves out what is hidden.
      const auto& soft = item.table ? own : item.columns.soft;
      if (dialect_ == Dialect::mssql || !item.table)
        std::set_difference(soft.begin(), soft.end(), scope.outputs.begin(), scope.outputs.end(),
                            std::inserter(columns.soft, columns.soft.end()));
      columns.open = columns.open || item.columns.open || (item.table && !item.table->columns);
    }
  }
  return columns;
}

void Resolver::add_item(const Item& item, Scope& scope, const With* with) {
  if (is_table_after_all(item)) {
    Item table = item;
    table.kind = Item::Kind::table;
    table.columns.clear();  // those of what MariaDB would make up
    return add_item(table, scope, with);
  }
  auto seen = visible(item, scope, with);
  for (const auto& one : item.uses) use(one, scope, with);
  if (seen.table && !item.columns.empty() && !seen.table->private_columns.empty())
    deny(item.at, fmt::format("a list of column names over '{}' would rename private columns", seen.table->name),
         "Select the columns by their own names.");
  if (seen.table && !item.columns.empty()) by_place(*seen.table);
  scope.items.push_back(std::move(seen));
  check_join(item, scope);
}

Visible Resolver::visible(const Item& item, const Scope& scope, const With* with) {
  if (item.kind == Item::Kind::table) return visible_table(item, with);
  Columns columns{{}, true};
  if (item.kind == Item::Kind::query && item.lateral) {
    Scope before{scope.outer, {}, {}, item.is_join};
    for (std::size_t i = 0; i < scope.items.size(); ++i)
      if (i >= item.lateral_from) before.items.push_back(scope.items[i]);
      else before.beside.push_back(&scope.items[i]);
    columns = resolve(*item.query, &before, with);
  } else if (item.kind == Item::Kind::query) {
    columns = resolve(*item.query, scope.outer, with);
  }
  if (item.soft) columns.soft = columns.names;
  return {item.alias, {}, nullptr, named(item.columns, std::move(columns)), false};
}

Visible Resolver::visible_table(const Item& item, const With* with) {
  const auto& name = item.path.back();
  const auto alias = item.alias.empty() ? name : item.alias;
  if (item.path.size() == 1)
    for (; with; with = with->outer)
      if (with->name == name) return {alias, {}, nullptr, named(item.columns, with->columns), false};
  const Path path = item.alias.empty() ? item.path : Path{};
  if (item.hidden)
    deny(item.at, fmt::format("'{}' of the system catalogue is not read", text_of(item.path)),
         "Tables, columns and keys may be read.");
  if (item.catalogue) {
    if (catalogue_.has_private())
      deny(item.at, fmt::format("'{}' tells of private tables and columns too", text_of(item.path)),
           "Use the published schema.");
    reads_["*"].insert("*");
    const bool rights = std::find(kWithRights.begin(), kWithRights.end(), name) != kWithRights.end();
    if (rights && !item.columns.empty())
      deny(item.at, fmt::format("a list of names for the columns of '{}' would name who may do what, too", name),
           "Use the columns' own names.");
    return {alias, path, nullptr, named(item.columns, Columns{{}, true}), rights};
  }
  const auto* table = catalogue_.find(item.path);
  if (!table) {
    deny(item.at, fmt::format("'{}' is not in the approved schema of this connection", text_of(item.path)),
         "Check the name, or ask the owner to approve it.");
    return {alias, path, nullptr, Columns{{}, true}, false};
  }
  if (catalogue_.has_private() && table->name.empty())
    deny(item.at, fmt::format("without a schema it is not known whether '{}' shows something private", text_of(item.path)),
         "Give the schema that 'vmc agent schema export' writes.");
  if (table->all_private)
    deny(item.at, fmt::format("'{}' is private", text_of(item.path)), "Its owner keeps it out of what is shared.");
  if (item.by_time && table->private_moments)
    deny(item.at, fmt::format("FOR SYSTEM_TIME chooses rows of '{}' by columns that may be private", text_of(item.path)),
         "Ask for the rows as they are now.");
  if (item.definition && table->view)
    deny(item.at, fmt::format("'{}' is a view: its source text and its owner's account would be shown", text_of(item.path)),
         "Ask for its columns with DESCRIBE.");
  const auto read = catalogue_.closed() ? table->name : text_of(item.path);
  reads_[read];
  if (item.definition) definition_ = read;
  return {alias, path, table, named(item.columns, Columns{{item.added.begin(), item.added.end()}}), false,
          !item.columns.empty()};
}

// The item is the last of the scope.
void Resolver::check_join(const Item& item, Scope& scope) {
  for (const auto& side : scope.items) {
    if (!item.natural || !side.table) continue;
    by_place(*side.table);
    if (!side.table->private_columns.empty())
      deny(item.at, fmt::format("NATURAL JOIN compares private columns of '{}' too", side.table->name),
           "Name the columns with ON or USING.");
  }
  for (const auto& column : item.using_columns)
    for (const auto& side : scope.items)
      if (side.table) reach(side, column, item.at);
}

// A use may see only some items of its block.
void Resolver::use(const Use& one, const Scope& whole, const With* with) {
  if (refusal_) return;
  if (one.perhaps) return use_around(one, whole.outer);
  const auto count = whole.items.size();
  if (one.first_item == 0 && one.last_item >= count) return use_in(one, whole, with);
  const auto* outer = whole.outer && whole.outer->beside_join ? whole.outer->outer : whole.outer;
  Scope part{outer, {}, whole.outputs};
  for (std::size_t i = 0; i < count; ++i)
    if (i >= one.first_item && i <= one.last_item) part.items.push_back(whole.items[i]);
    else part.beside.push_back(&whole.items[i]);
  use_in(one, part, with);
}

void Resolver::use_around(const Use& one, const Scope* level) {
  const Path qualifiers{one.path.begin(), one.path.end() - 1};
  for (; level; level = level->outer)
    for (const auto& item : level->items)
      if (item.table && (qualifiers.empty() || is_called(item, qualifiers))) reach(item, one.path.back(), one.at);
}

void Resolver::use_in(const Use& one, const Scope& scope, const With* with) {
  switch (one.kind) {
    case Use::Kind::column:
      return use_column(one, scope);
    case Use::Kind::star:
      return use_star(one.path, one.at, one.path.empty() ? with_items(scope) : scope);
    case Use::Kind::query:
      resolve(*one.query, &scope, with);
      return;
    case Use::Kind::field:
      return use_field(one, scope);
    case Use::Kind::type:
      return use_type(one);
    case Use::Kind::relation:
      return use_relation(one);
    case Use::Kind::catalogue:
      if (catalogue_.has_private())
        deny(one.at, fmt::format("{} tells of private tables and columns too", text_of(one.path)),
             "Use the published schema.");
      reads_["*"].insert("*");
      return;
    case Use::Kind::full_text:
      return;  // SQLite's statements are not judged here
  }
}

// (o).f is o.f where o is a table here, and no table has a column o, which could be a row too.
void Resolver::use_field(const Use& one, const Scope& scope) {
  const auto& name = one.path.back();
  if (one.path.size() == 2 && catalogue_.closed() && !is_column_somewhere(one.path.front())) {
    const auto* item = find_item({one.path.front()}, scope);
    if (item && item->table) return use_qualified(one, scope);
  }
  if (!is_column_somewhere(name))
    return deny(one.at, fmt::format("'{}' is no approved column of any table", name), "Check the name.");
  may_call(name);
}

// A table's row type shows the names of all its columns. "_orders" is an array of it, unless a table has that name.
void Resolver::use_type(const Use& one) {
  auto path = one.path;
  const auto* table = catalogue_.find(path);
  if (!table || table->name.empty()) {
    path.back().erase(0, std::min(path.back().find_first_not_of('_'), path.back().size()));
    table = catalogue_.find(path);
  }
  if (!table || table->name.empty()) {
    const auto& name = path.back();
    const bool known = catalogue_.has_type(name) ||
                       std::find(kExtensionTypes.begin(), kExtensionTypes.end(), name) != kExtensionTypes.end();
    if (catalogue_.has_private() && !known)
      deny(one.at, fmt::format("it is not known whether the type '{}' shows something private", text_of(one.path)),
           "Use a type of the server's own, or one that an approved column has.");
    return;
  }
  if (table->all_private)
    return deny(one.at, fmt::format("'{}' is private", text_of(one.path)), "Its owner keeps it out of what is shared.");
  reads_[table->name];
  reach_all({path.back(), {}, table, {}, false}, one.at);
}

void Resolver::use_relation(const Use& one) {
  const auto* table = catalogue_.find(one.path);
  if (table && !table->name.empty() && !table->all_private) {
    reads_[table->name];
    return;
  }
  if (catalogue_.has_private())
    deny(one.at, fmt::format("'{}' is no approved table of this connection", text_of(one.path)), "Check the name.");
  reads_["*"].insert("*");
}

void Resolver::use_column(const Use& one, const Scope& scope) {
  if (one.path.size() == 1)
    use_bare(one, scope);
  else
    use_qualified(one, scope);
}

// Innermost scope first. Where a scope may have the name (its columns are not all known), the ones around it are still
// searched for a private column: the name could be that.
void Resolver::use_bare(const Use& one, const Scope& scope) {
  const auto& name = one.path.front();
  const bool other_column = !one.certain && catalogue_.has_two_spellings(name);
  const bool other_spelling = other_column || (!one.certain && spelled_otherwise_->contains(name));
  const bool output = one.alias != Use::Alias::never && scope.outputs.contains(name);
  if (output && !other_spelling && one.alias == Use::Alias::first) return;
  bool maybe = output && other_spelling;
  const Visible* row = nullptr;
  for (const auto* level = &scope; level; level = level->outer) {
    bool found = false;
    for (const auto& item : level->items) {
      if (item.table) {
        const bool reached = reach(item, name, one.at);
        found = found || (reached && !other_column);
        maybe = maybe || reached || !item.table->columns;
      }
      const bool has = item.columns.has(name);
      found = found || (has && !other_spelling && !item.columns.soft.contains(name));
      maybe = maybe || has || item.columns.open;
      if (refusal_) return;
    }
    for (const auto* item : level->beside)
      if (item->table && catalogue_.is_private(*item->table, name)) reach(*item, name, one.at);
    if (found || refusal_) return;
    // A column added later would come between.
    for (const auto& item : level->items)
      if (item.table) by_place(*item.table);
    if (level == &scope && output && !other_spelling) return;
    // An output of a query around, where MySQL allows it; where not, the name is of a table further out.
    maybe = maybe || (dialect_ == Dialect::mysql && level != &scope && level->outputs.contains(name));
    for (const auto& item : level->items)
      if (dialect_ == Dialect::postgres && !row && item.alias == name) row = &item;
  }
  // Where no level has such a column, an item's name stands for its whole row.
  if (row) return reach_all(*row, one.at);
  if (!one.certain && (maybe || !catalogue_.closed())) return;
  deny(one.at, fmt::format("'{}' is no approved column of the tables here", name),
       "Check the name, or ask the owner to approve it.");
}

void Resolver::use_qualified(const Use& one, const Scope& scope) {
  const Path qualifiers{one.path.begin(), one.path.end() - 1};
  const auto& name = one.path.back();
  for (const auto* other : namesakes(qualifiers, scope))
    if (other->table && catalogue_.is_private(*other->table, name)) reach(*other, name, one.at);
  const auto* item = find_item(qualifiers, scope);
  if (!item && one.property) {
    Use column = one;
    column.path.pop_back();
    column.property = false;
    return use_column(column, scope);
  }
  if (!item)
    return deny(one.at, fmt::format("'{}' names no table of this statement", text_of(qualifiers)), "Check its alias.");
  // MySQL looks on, in this query and those around it, where the first table of that name has no such column.
  if (dialect_ == Dialect::mysql) {
    bool maybe = false;
    for (const auto* level = &scope; level; level = level->outer)
      for (const auto& other : level->items) {
        if (!is_called(other, qualifiers)) continue;
        const auto& columns = other.columns;
        if (other.table ? reach(other, name, one.at) : columns.has(name) && !columns.soft.contains(name)) return;
        maybe = maybe || (other.table ? !other.table->columns : columns.open || columns.has(name));
      }
    if (maybe) return;
  }
  if (item->table ? reach(*item, name, one.at) || !item->table->columns : item->columns.has(name)) return;
  if (item->renamed && item->table->columns->contains(name)) return may_call(name);
  const bool may_be_column = dialect_ != Dialect::postgres || one.known_field || item->alias == name ||
                             item->columns.likely.contains(name) || is_column_somewhere(name);
  if (!one.certain && !item->table && item->columns.open && may_be_column) return may_call(name);
  deny(one.at, fmt::format("'{}' is no approved column of '{}'", name, text_of(qualifiers)),
       "Check the name, or ask the owner to approve it.");
}

void Resolver::use_star(const Path& qualifiers, std::size_t at, const Scope& scope) {
  if (qualifiers.empty()) {
    for (const auto& item : scope.items) reach_all(item, at);
    return;
  }
  for (const auto* other : namesakes(qualifiers, scope)) reach_all(*other, at);
  const auto* item = find_item(qualifiers, scope);
  if (!item) return deny(at, fmt::format("'{}' names no table of this statement", text_of(qualifiers)), "Check its alias.");
  reach_all(*item, at);
}

void Resolver::reach_all(const Visible& item, std::size_t at) {
  if (item.lists_accounts)
    return deny(at, fmt::format("all columns of '{}' would include who may do what", item.alias), "List the columns that are needed.");
  if (!item.table) return;
  if (!item.table->private_columns.empty())
    return deny(at, fmt::format("all columns of '{}' would include private ones", item.table->name),
                "List the columns that are needed.");
  by_place(*item.table);
}

// Does the item's table have the column? A private one is refused.
bool Resolver::reach(const Visible& item, const std::string& column, std::size_t at) {
  const auto& table = *item.table;
  if (catalogue_.is_private(table, column)) {
    deny(at, fmt::format("'{}.{}' is private", table.name, column), "Its owner keeps it out of what is shared.");
    return true;
  }
  if (item.columns.has(column)) return true;  // of the alias's list
  if (is_system_column(column) && !table.view) return true;
  if (!table.columns || !table.columns->contains(column)) return false;
  reads_[table.name].insert(table.spelled(column));
  return !item.renamed;  // perhaps it has another name now
}

const Visible* Resolver::find_item(const Path& qualifiers, const Scope& scope) const {
  for (const auto* level = &scope; level; level = level->outer)
    for (const auto& item : level->items)
      if (is_called(item, qualifiers)) return &item;
  return nullptr;
}

// What else the name may mean: all of that name where the statement spells it in several ways, and what is out of sight
// nearer than the first in sight.
std::vector<const Visible*> Resolver::namesakes(const Path& qualifiers, const Scope& scope) const {
  const bool any = spelled_otherwise_->contains(qualifiers.back());
  std::vector<const Visible*> found;
  bool in_sight = false;
  for (const auto* level = &scope; level && (any || !in_sight); level = level->outer) {
    for (const auto* item : level->beside)
      if (is_called(*item, qualifiers)) found.push_back(item);
    for (const auto& item : level->items) {
      if (!is_called(item, qualifiers)) continue;
      in_sight = true;
      if (any) found.push_back(&item);
    }
  }
  return found;
}

bool Resolver::is_called(const Visible& item, const Path& qualifiers) const {
  if (qualifiers.size() == 1 && item.alias == qualifiers[0]) return true;
  if (item.path.size() < 2 && qualifiers.size() < 2) return false;
  // "public.orders.id" where FROM says "orders" or "public.orders".
  if (item.path.empty() || item.path.back() != qualifiers.back()) return false;
  return item.table ? catalogue_.find(qualifiers) == item.table : item.path == qualifiers;
}

}  // namespace

Verdict resolve(Dialect dialect, const Query& query, const Catalogue& catalogue) {
  return Resolver{dialect, catalogue}.run(query);
}

}  // namespace vmc::sql
