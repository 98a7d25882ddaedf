#include "sql/guard/sqlite/survey.hpp"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

namespace vmc::sql::sqlite {
namespace {

using Names = std::set<std::string, std::less<>>;

// Of the tables in which a full-text or spatial index keeps its contents again, after its own name.
constexpr std::array<std::string_view, 11> kShadowSuffixes{
    "_config", "_content", "_data", "_docsize", "_idx", "_node", "_parent", "_rowid", "_segdir", "_segments", "_stat"};
// Columns of every table; what they are called outside of a subquery is not sure.
constexpr std::array<std::string_view, 3> kRowIds{"_rowid_", "oid", "rowid"};

bool is_row_number(std::string_view column) {
  return std::find(kRowIds.begin(), kRowIds.end(), column) != kRowIds.end();
}

std::string text_of(const Path& path) { return fmt::format("{}", fmt::join(path, ".")); }

// The columns of a query.
struct Columns {
  Names names;
  bool open = false;  // there may be others
};

// An item of FROM as the names around it see it.
struct Seen {
  std::string_view alias;                      // empty: it has none
  std::string_view name;                       // of a table
  const Catalogue::Table* table = nullptr;     // of the customer's
  const SystemTable* system = nullptr;
  Columns columns{};                           // of a query

  bool is_called(std::string_view qualifier) const { return alias.empty() ? name == qualifier : alias == qualifier; }
};

struct Scope {
  const Scope* outer;
  std::vector<Seen> items{};
  Names aliases{};  // of outputs
};

// The common table expressions of one WITH.
struct With {
  struct Table {
    const CommonTable* made;
    bool open = false;  // being read
    bool used = false;
  };
  With* outer;
  std::map<std::string_view, Table> tables{};
};

class Survey {
 public:
  Survey(const Catalogue& catalogue, const Library& library) : catalogue_{catalogue}, library_{library} {}

  Verdict run(const Statement& statement) {
    query(statement.query, nullptr, nullptr);
    for (const auto& hint : statement.hints) index_hint(hint);
    Verdict verdict;
    verdict.refusal = std::move(refusal_);
    if (verdict.refusal) return verdict;
    verdict.reads = std::move(reads_);
    return verdict;
  }

 private:
  Columns query(const Query& query, const Scope* outer, With* with);
  Columns body(const Query& query, const Scope* outer, With* with);
  Columns block(const Block& block, Scope& scope, With* with);
  Columns outputs(const Block& block, Scope& scope);

  Seen item(const Item& item, const Scope* outer, With* with);
  Seen table(const Item& item, const Scope* outer, With* with);
  Seen function(const Item& item);
  Columns common_table(With& with, With::Table& table, const Scope* outer);
  void joins(const Block& block, const Scope& scope);
  void index_hint(const IndexHint& hint);
  const Catalogue::Table* own_table(const Path& path, std::size_t at);
  bool is_shadow(const std::string& name) const;

  void uses(const std::vector<Use>& uses, const Scope& scope, With* with);
  void column(const Use& use, const Scope& scope);
  bool reach(const Seen& seen, const std::string& column, std::size_t at);
  void star(const Path& qualifiers, std::size_t at, const Scope& scope);
  void star(const Seen& seen, std::size_t at);
  void full_text(const Use& use, const Scope& scope);
  enum class Match { no, maybe, sure };
  Match matches(const Seen& seen, const Path& path) const;

  // What is reached depends on the columns the table has when the statement runs.
  void by_place(const Catalogue::Table& table) {
    if (catalogue_.closed()) reads_[table.name].insert("*");
  }
  void deny(std::size_t at, std::string what, std::string hint) {
    if (!refusal_) refusal_ = Refusal{Layer::names, Code::schema_access_denied, at, std::move(what), std::move(hint)};
  }

  const Catalogue& catalogue_;
  const Library& library_;
  std::optional<Refusal> refusal_;
  data::Reads reads_;
};

Columns Survey::query(const Query& query, const Scope* outer, With* with) {
  if (query.with.empty()) return body(query, outer, with);
  With inner{with};
  for (const auto& table : query.with) inner.tables[table.name].made = &table;
  auto columns = body(query, outer, &inner);
  for (auto& [name, table] : inner.tables)
    if (!table.used) common_table(inner, table, outer);
  return columns;
}

Columns Survey::body(const Query& query, const Scope* outer, With* with) {
  Columns columns;
  Names aliases;  // an ORDER BY is compared with the outputs of all arms, from the first on
  for (std::size_t i = 0; i < query.blocks.size() && !refusal_; ++i) {
    Scope scope{outer};
    auto made = block(query.blocks[i], scope, with);
    if (i == 0) columns = std::move(made);  // the first arm names the columns
    scope.aliases.merge(aliases);
    uses(query.order_by, scope, with);
    aliases = std::move(scope.aliases);
  }
  return columns;
}

Columns Survey::block(const Block& block, Scope& scope, With* with) {
  for (const auto& one : block.items) scope.items.push_back(item(one, scope.outer, with));
  for (const auto& one : block.items) uses(one.uses, scope, with);
  joins(block, scope);
  for (const auto& use : block.uses)  // before the outputs, which know no places
    if (use.kind == Use::Kind::star) star(use.path, use.at, scope);
  auto columns = outputs(block, scope);
  uses(block.uses, scope, with);
  return columns;
}

Columns Survey::outputs(const Block& block, Scope& scope) {
  Columns columns;
  for (const auto& output : block.outputs) {
    if (output.kind == Output::Kind::named) {
      if (output.path.empty()) scope.aliases.insert(output.name);
      if (!is_row_number(output.name)) columns.names.insert(output.name);
    }
    if (output.kind != Output::Kind::star) continue;
    star(output.path, 0, scope);
    for (const auto& seen : scope.items) {
      if (!output.path.empty() && !seen.is_called(output.path.front())) continue;
      if (seen.table && seen.table->columns)
        columns.names.insert(seen.table->columns->begin(), seen.table->columns->end());
      else
        columns.open = true;
      columns.names.insert(seen.columns.names.begin(), seen.columns.names.end());
    }
  }
  return columns;
}

Seen Survey::item(const Item& item, const Scope* outer, With* with) {
  if (refusal_) return {};
  switch (item.kind) {
    case Item::Kind::query:
      return {.alias = item.alias, .name = {}, .columns = query(*item.query, outer, with)};
    case Item::Kind::function:
      return function(item);
    case Item::Kind::table:
      break;
  }
  return table(item, outer, with);
}

Seen Survey::table(const Item& item, const Scope* outer, With* with) {
  const auto& name = item.path.back();
  Seen seen{.alias = item.alias, .name = name};
  if (item.path.size() == 1) {
    for (; with; with = with->outer) {
      const auto found = with->tables.find(name);
      if (found == with->tables.end()) continue;
      seen.columns = common_table(*with, found->second, outer);
      return seen;
    }
  }
  seen.table = own_table(item.path, item.at);
  return seen;
}

// SQLite compiles a common table expression anew wherever it is used, and it sees what is around that place.
Columns Survey::common_table(With& with, With::Table& table, const Scope* outer) {
  Columns columns{{}, true};
  table.used = true;
  if (!table.open) {
    table.open = true;
    columns = query(*table.made->query, outer, &with);
    table.open = false;
  }
  const auto& list = table.made->columns;
  return list.empty() ? columns : Columns{{list.begin(), list.end()}, false};
}

const Catalogue::Table* Survey::own_table(const Path& path, std::size_t at) {
  const auto& name = path.back();
  const auto* table = catalogue_.find(path);
  if (!table || (!catalogue_.closed() && (library_.modules.contains(name) || is_shadow(name)))) {
    deny(at, fmt::format("'{}' is not in the approved schema of this connection", text_of(path)),
         "Check the name, or ask the owner to approve it.");
    return nullptr;
  }
  if (catalogue_.has_private() && table->name.empty())
    deny(at, fmt::format("without a schema it is not known whether '{}' shows something private", text_of(path)),
         "Give the schema that 'vmc agent schema export' writes.");
  if (table->all_private)
    deny(at, fmt::format("'{}' is private", text_of(path)), "Its owner keeps it out of what is shared.");
  reads_[catalogue_.closed() ? table->name : name];
  return table;
}

// Without a schema: may it be an inner table of one with private columns?
bool Survey::is_shadow(const std::string& name) const {
  return std::any_of(catalogue_.tables().begin(), catalogue_.tables().end(), [&](const auto& entry) {
    if (!is_touchy(entry.second) || !name.starts_with(entry.first)) return false;
    const auto rest = std::string_view{name}.substr(entry.first.size());
    return std::find(kShadowSuffixes.begin(), kShadowSuffixes.end(), rest) != kShadowSuffixes.end();
  });
}

// A table function of SQLite's, or a full-text table that is searched: FROM notes('late').
Seen Survey::function(const Item& item) {
  const auto& name = item.path.back();
  Seen seen{.alias = item.alias, .name = name};
  seen.system = find_system_table(name);
  if (seen.system) {
    if (seen.system->kind != SystemTable::Kind::rows) reads_["*"].insert("*");
    if (item.catalogue && catalogue_.has_private())
      deny(item.at, fmt::format("'{}' tells of private tables and columns too", name), "Use the published schema.");
    return seen;
  }
  seen.table = own_table(item.path, item.at);
  if (seen.table) star(seen, item.at);
  return seen;
}

// NATURAL and USING compare columns without naming their tables.
void Survey::joins(const Block& block, const Scope& scope) {
  bool natural = false, any = false;
  for (const auto& one : block.items) {
    natural = natural || one.natural;
    any = any || one.natural || !one.using_columns.empty();
    for (const auto& column : one.using_columns)
      for (const auto& seen : scope.items)
        if (seen.table) reach(seen, column, one.at);
  }
  if (!any || refusal_) return;
  for (std::size_t i = 0; i < scope.items.size(); ++i) {
    const auto& seen = scope.items[i];
    if (seen.system && seen.system->kind != SystemTable::Kind::rows)
      deny(block.items[i].at, fmt::format("'{}' is joined with NATURAL or USING", seen.name), "Join it with ON.");
    if (!natural || !seen.table) continue;
    if (is_touchy(*seen.table))
      deny(block.items[i].at, fmt::format("NATURAL JOIN compares private columns of '{}' too", seen.table->name),
           "Name the columns with ON or USING.");
    by_place(*seen.table);
  }
}

// An index hands rows out in the order of its columns, and which they are is not known.
void Survey::index_hint(const IndexHint& hint) {
  const auto* table = catalogue_.find(hint.table);
  if (table && is_touchy(*table))
    deny(hint.at, fmt::format("the index may be one of a private column of '{}'", text_of(hint.table)),
         "Leave INDEXED BY out.");
}

void Survey::uses(const std::vector<Use>& uses, const Scope& scope, With* with) {
  for (const auto& use : uses) {
    if (refusal_) return;
    if (use.kind == Use::Kind::column) column(use, scope);
    if (use.kind == Use::Kind::star) star(use.path, use.at, scope);
    if (use.kind == Use::Kind::full_text) full_text(use, scope);
    if (use.kind == Use::Kind::query) query(*use.query, &scope, with);
  }
}

// From the inside out, until a level surely has the name; up to there nothing private may have it.
void Survey::column(const Use& use, const Scope& scope) {
  const auto& name = use.path.back();
  const bool bare = use.path.size() == 1;
  if (bare && use.alias == Use::Alias::first && scope.aliases.contains(name)) return;
  for (const auto* level = &scope; level; level = level->outer) {
    bool found = false;
    for (const auto& seen : level->items)
      if (bare || seen.is_called(use.path[use.path.size() - 2])) found = reach(seen, name, use.at) || found;
    if (found || refusal_) return;
    // A column added later would come between.
    if (bare)
      for (const auto& seen : level->items)
        if (seen.table) by_place(*seen.table);
    if (bare && level == &scope && use.alias != Use::Alias::never && scope.aliases.contains(name)) return;
  }
}

// Has it the column, for sure? A private one is refused.
bool Survey::reach(const Seen& seen, const std::string& column, std::size_t at) {
  if (seen.table) {
    // The name of a full-text table is also that of a column: all of it.
    const bool whole = is_touchy(*seen.table) && column == seen.name;
    // The row number may be a private key: whose columns are not known, its key is not either. A table before this one
    // may have none, and then the name is looked for here.
    const auto& key = seen.table->key;
    const bool of_private = !seen.table->columns || (key.size() == 1 && seen.table->private_columns.contains(key.front()));
    const bool row = is_touchy(*seen.table) && is_row_number(column) && of_private;
    if (seen.table->private_columns.contains(column) || seen.table->all_private || whole || row) {
      deny(at, fmt::format("'{}.{}' is private", seen.table->name, column),
           "Its owner keeps it out of what is shared.");
      return true;
    }
    if (!seen.table->columns || !seen.table->columns->contains(column)) return false;
    reads_[seen.table->name].insert(column);
    return true;
  }
  if (!seen.system) return seen.columns.names.contains(column);
  const auto& readable = seen.system->columns;
  const bool known = std::find(readable.begin(), readable.end(), column) != readable.end();
  if (seen.system->kind == SystemTable::Kind::schema && (column == "sql" || column == "rootpage"))
    deny(at, fmt::format("'{}' of '{}' is not shared", column, seen.name), "Ask for its type, name and tbl_name.");
  return known;
}

// All columns of what is called so; where nothing is, of everything in this FROM.
void Survey::star(const Path& qualifiers, std::size_t at, const Scope& scope) {
  bool found = false;
  for (const auto& seen : scope.items) {
    if (qualifiers.empty() || !seen.is_called(qualifiers.back())) continue;
    star(seen, at);
    found = true;
  }
  if (!found)
    for (const auto& seen : scope.items) star(seen, at);
}

void Survey::star(const Seen& seen, std::size_t at) {
  if (seen.system && !seen.system->columns.empty() && seen.system->kind == SystemTable::Kind::schema)
    deny(at, fmt::format("all columns of '{}' would include source text", seen.name),
         "Ask for its type, name and tbl_name.");
  if (!seen.table) return;
  if (is_touchy(*seen.table))
    deny(at, fmt::format("all columns of '{}' would include private ones", seen.table->name),
         "List the columns that are needed.");
  by_place(*seen.table);
}

// From the inside out, until a level surely has what is searched. SQLite follows the column of a query, or of a view, to
// the table it is of: there it could be any.
void Survey::full_text(const Use& use, const Scope& scope) {
  const auto& path = use.path;
  const auto& tables = catalogue_.tables();
  const bool any_touchy = std::any_of(tables.begin(), tables.end(), [](const auto& entry) {
    return is_touchy(entry.second) && entry.second.key.empty() && !entry.second.view;  // a full-text table has no key
  });
  for (const auto* level = &scope; level; level = level->outer) {
    bool found = false;
    for (const auto& seen : level->items) {
      if (seen.system) continue;
      const auto match = path.empty() ? Match::maybe : matches(seen, path);
      if (match == Match::no) continue;
      found = found || match == Match::sure;
      if (seen.table && !seen.table->view) star(seen, use.at);
      else if (seen.table || any_touchy)  // a view's own tables may not even be approved
        deny(use.at, "a full-text search behind a query or a view may look into private columns",
             "Search where the table itself stands in FROM.");
    }
    if (found || refusal_) return;
  }
}

// Is what is searched this item, or a column of it?
Survey::Match Survey::matches(const Seen& seen, const Path& path) const {
  const auto& name = path.back();
  const bool bare = path.size() == 1;
  if (!bare && !seen.is_called(path[path.size() - 2])) return Match::no;
  const auto* table = seen.table;
  const bool unknown = table ? !table->columns : seen.columns.open;
  if (table ? table->columns && table->columns->contains(name) : seen.columns.names.contains(name)) return Match::sure;
  // A full-text table's own name is a column of it, as those are; of others it is not, and means something further out.
  const bool hidden = is_row_number(name) || name == "docid" || name == "rank" || name == seen.name || seen.is_called(name);
  return !bare || hidden || unknown ? Match::maybe : Match::no;
}

}  // namespace

bool is_touchy(const Catalogue::Table& table) { return table.all_private || !table.private_columns.empty(); }

Verdict survey(const Statement& statement, const Catalogue& catalogue, const Library& library) {
  return Survey{catalogue, library}.run(statement);
}

}  // namespace vmc::sql::sqlite
