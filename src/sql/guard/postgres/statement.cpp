#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sql/guard/postgres/allowed.hpp"
#include "sql/guard/postgres/reader.hpp"

namespace vmc::sql {

Reading read_postgres(std::string_view statement, const GuardSettings& settings) {
  Reading reading;
  reading.refusal = postgres::check_text(statement);
  if (!reading.refusal) reading.refusal = postgres::check_tokens(statement);
  if (!reading.refusal) {
    auto parsed = postgres::parse(statement);
    if (parsed.refusal) reading.refusal = std::move(parsed.refusal);
    else reading = postgres::TreeReader{settings}.read(parsed.root);
  }
  if (reading.length == 0) reading.length = statement.size() - std::min(reading.begin, statement.size());
  return reading;
}

namespace postgres {
namespace {

constexpr const char* kOnlyReads = "Ask for rows with SELECT.";

struct Verb {
  std::string_view node, words;
  Code code = Code::write_keyword_detected;
};
constexpr std::array kVerbs{
    Verb{"InsertStmt", "INSERT adds rows"},
    Verb{"UpdateStmt", "UPDATE changes rows"},
    Verb{"DeleteStmt", "DELETE removes rows"},
    Verb{"MergeStmt", "MERGE changes rows"},
    Verb{"TruncateStmt", "TRUNCATE empties tables"},
    Verb{"CopyStmt", "COPY moves data between tables, files and programs"},
    Verb{"CreateTableAsStmt", "CREATE TABLE AS makes a table"},
    Verb{"DropStmt", "DROP removes objects"},
    Verb{"GrantStmt", "GRANT and REVOKE change rights"},
    Verb{"GrantRoleStmt", "GRANT and REVOKE change rights"},
    Verb{"TransactionStmt", "transactions are the agent's own"},
    Verb{"VariableSetStmt", "SET and RESET change the session"},
    Verb{"DiscardStmt", "DISCARD changes the session"},
    Verb{"PrepareStmt", "PREPARE keeps a statement in the session"},
    Verb{"ExecuteStmt", "EXECUTE runs a statement that cannot be seen here"},
    Verb{"DoStmt", "DO runs a program"},
    Verb{"CallStmt", "CALL runs a procedure"},
    Verb{"LockStmt", "LOCK holds up other sessions"},
    Verb{"ListenStmt", "LISTEN changes the session"},
    Verb{"NotifyStmt", "NOTIFY sends messages to other sessions"},
    Verb{"VacuumStmt", "VACUUM and ANALYZE rewrite tables and statistics"},
    Verb{"ExplainStmt", "EXPLAIN is not offered: ANALYZE would run what it explains", Code::write_operation_rejected},
    Verb{"DeclareCursorStmt", "cursors are not offered: results are streamed", Code::write_operation_rejected},
};

}  // namespace

Reading TreeReader::read(const Object& root) {
  Reading reading;
  const auto statements = items_of(root, "stmts");
  if (statements.empty()) {
    refuse(Layer::text, 0, "there is no statement", kOnlyReads);
  } else {
    std::size_t number = 0;
    for (const auto& item : statements) {
      Object one;
      if (item.get(one) != simdjson::SUCCESS) {
        not_understood("the statement", 0);
        break;
      }
      const auto at = number_of(one, "stmt_location");
      if (++number > 1) {
        const auto second = child_of(one, "stmt");
        const auto verb = second ? node_of(*second) : std::nullopt;
        if (!verb || !refuse_verb(*verb, at))
          refuse(Layer::syntax, at, "a second statement begins here", "Send one statement at a time.");
        break;
      }
      reading.begin = at;
      reading.length = number_of(one, "stmt_len");
      const auto stmt = child_of(one, "stmt");
      const auto node = stmt ? node_of(*stmt) : std::nullopt;
      reading.is_query = node && node->kind == "SelectStmt";
      if (node) statement(*node, reading.query);
      else not_understood("the statement", 0);
    }
  }
  reading.refusal = std::move(refusal_);
  reading.query.calls = std::move(calls_);
  if (has_extract_) reading.query.spelled_otherwise.emplace(kExtract);
  return reading;
}

void TreeReader::statement(const Node& node, Query& query) {
  if (node.kind == "SelectStmt") return select(node.fields, query);
  if (node.kind == "VariableShowStmt") return show(node.fields);
  if (refuse_verb(node, 0)) return;
  auto name = node.kind;
  if (name.ends_with("Stmt")) name.remove_suffix(4);
  refuse(Layer::syntax, 0, fmt::format("'{}' is no statement that reads", name), kOnlyReads);
}

bool TreeReader::refuse_verb(const Node& node, std::size_t at) {
  if (!settings_.keywords) return false;
  const auto verb = std::find_if(kVerbs.begin(), kVerbs.end(), [&](const Verb& v) { return v.node == node.kind; });
  const bool defines = node.kind.starts_with("Create") || node.kind.starts_with("Alter") || node.kind.starts_with("Drop");
  if (verb != kVerbs.end()) refuse(Layer::tokens, at, std::string{verb->words}, kOnlyReads, verb->code);
  else if (defines) refuse(Layer::tokens, at, "CREATE, ALTER and DROP change the schema", kOnlyReads, Code::write_keyword_detected);
  return verb != kVerbs.end() || defines;
}

void TreeReader::show(const Object& fields) {
  check_fields("SHOW", fields, "name");
  std::string name{text_of(fields, "name")};
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (!is_readable_setting(name))
    refuse(Layer::syntax, 0, fmt::format("the setting '{}' is not shown", name),
           "Settings that tell how values are read, and the version, may be shown.");
}

void TreeReader::select(const Object& fields, Query& query) {
  if (refusal_) return;
  const bool outermost = std::exchange(outermost_, false);
  const bool around = std::exchange(shown_, outermost && !child_of(fields, "larg"));
  if (const auto with = child_of(fields, "withClause")) {
    Object clause;
    if (with->get(clause) != simdjson::SUCCESS) return not_understood("WITH", 0);
    with_clause(clause, query);
  }
  arms(fields, query);
  sort_clause(fields, "sortClause", query.order_by, Use::Alias::first);
  const auto first_use = query.order_by.size();
  for (const auto* field : {"limitOffset", "limitCount"})
    if (const auto value = child_of(fields, field)) expression(*value, query.order_by);
  see_items(query.order_by, first_use, 1, 0);
  shown_ = around;
}

// The arms of a set operation, left to right; the tree leans to the left.
void TreeReader::arms(const Object& fields, Query& query) {
  check_fields("SELECT", fields,
               "distinctClause intoClause targetList fromClause whereClause groupClause groupDistinct havingClause "
               "windowClause valuesLists sortClause limitOffset limitCount limitOption lockingClause withClause op all larg rarg");
  if (child_of(fields, "intoClause"))
    refuse(Layer::syntax, 0, "SELECT INTO makes a table", "Leave INTO out: the rows come back by themselves.");
  if (child_of(fields, "lockingClause"))
    refuse(Layer::syntax, 0, "FOR UPDATE, FOR SHARE and their like lock rows", "Leave the locking clause out.");
  if (refusal_) return;
  const auto left = child_of(fields, "larg"), right = child_of(fields, "rarg");
  if (!left && !right) {
    query.blocks.emplace_back();
    return block(fields, query.blocks.back());
  }
  for (const auto& side : {left, right}) {
    Object inner;
    if (!side || side->get(inner) != simdjson::SUCCESS) return not_understood("a set operation", 0);
    arm(inner, query);
  }
}

// One with clauses of its own is a query of its own.
void TreeReader::arm(const Object& fields, Query& query) {
  const bool own = child_of(fields, "withClause") || child_of(fields, "sortClause") || child_of(fields, "limitCount") ||
                   child_of(fields, "limitOffset");
  if (!own) return arms(fields, query);
  auto inner = std::make_shared<Query>();
  select(fields, *inner);
  Block block;
  Item item;
  item.kind = Item::Kind::query;
  item.query = std::move(inner);
  block.items.push_back(std::move(item));
  block.outputs.push_back({Output::Kind::star, {}, {}});
  query.blocks.push_back(std::move(block));
}

void TreeReader::block(const Object& fields, Block& block) {
  for (const auto& item : items_of(fields, "fromClause")) from_item(item, block);
  targets(fields, block);
  values(fields, block);
  // DISTINCT ON takes names as ORDER BY does; plain DISTINCT is a list of one empty node.
  for (const auto& item : items_of(fields, "distinctClause"))
    if (node_of(item)) expression(item, block.uses, Use::Alias::first);
  if (const auto where = child_of(fields, "whereClause")) expression(*where, block.uses);
  expressions(fields, "groupClause", block.uses, Use::Alias::second);
  if (const auto having = child_of(fields, "havingClause")) expression(*having, block.uses);
  for (const auto& item : items_of(fields, "windowClause")) {
    const auto definition = node_of(item);
    if (definition && definition->kind == "WindowDef") window(definition->fields, block.uses);
    else not_understood("WINDOW", 0);
  }
}

void TreeReader::targets(const Object& fields, Block& block) {
  for (const auto& item : items_of(fields, "targetList")) {
    const auto target = node_of(item);
    if (!target || target->kind != "ResTarget") return not_understood("the select list", 0);
    check_fields("the select list", target->fields, "name val location");
    const auto value = child_of(target->fields, "val");
    if (!value) return not_understood("the select list", place_of(target->fields));
    block.outputs.push_back(output_of(target->fields));
    if (block.outputs.back().name == kExtract) has_extract_ = true;
    settled_ = shown_;
    expression(*value, block.uses);
  }
}

void TreeReader::values(const Object& fields, Block& block) {
  for (const auto& item : items_of(fields, "valuesLists")) {
    const auto row = node_of(item);
    if (!row || row->kind != "List") return not_understood("VALUES", 0);
    expressions(row->fields, "items", block.uses);
    for (std::size_t i = block.outputs.size(); i < items_of(row->fields, "items").size(); ++i)
      block.outputs.push_back({Output::Kind::named, fmt::format("column{}", i + 1), {}});
  }
}

void TreeReader::with_clause(const Object& fields, Query& query) {
  check_fields("WITH", fields, "ctes recursive location");
  query.recursive = flag_of(fields, "recursive");
  for (const auto& item : items_of(fields, "ctes")) {
    const auto table = node_of(item);
    if (!table || table->kind != "CommonTableExpr") return not_understood("WITH", 0);
    common_table(table->fields, query);
  }
}

void TreeReader::common_table(const Object& fields, Query& query) {
  check_fields("WITH", fields, "ctename aliascolnames ctematerialized ctequery search_clause cycle_clause location");
  const auto at = place_of(fields);
  const auto body = child_of(fields, "ctequery");
  const auto node = body ? node_of(*body) : std::nullopt;
  if (!node) return not_understood("WITH", at);
  if (node->kind != "SelectStmt") {
    if (!refuse_verb(*node, at)) not_understood("WITH", at);
    return;
  }
  CommonTable table;
  table.name = text_of(fields, "ctename");
  auto columns = strings_of(fields, "aliascolnames");
  if (!columns) return not_understood("the columns of a common table expression", at);
  table.columns = std::move(*columns);
  auto inner = std::make_shared<Query>();
  select(node->fields, *inner);
  // SEARCH and CYCLE add columns of the names they give; what marks a cycle is a constant of any type.
  for (const auto* clause : {"search_clause", "cycle_clause"}) {
    Object added;
    if (fields[clause].get(added) != simdjson::SUCCESS || inner->blocks.empty()) continue;
    for (const auto* mark : {"cycle_mark_value", "cycle_mark_default"})
      if (const auto value = child_of(added, mark)) expression(*value, inner->blocks.front().uses);
    for (const auto* name : {"search_seq_column", "cycle_mark_column", "cycle_path_column"})
      if (const auto column = text_of(added, name); !column.empty())
        table.added.emplace_back(column);
  }
  table.query = std::move(inner);
  query.with.push_back(std::move(table));
}

std::shared_ptr<const Query> TreeReader::subquery(const std::optional<Value>& value, std::size_t at) {
  auto query = std::make_shared<Query>();
  const auto node = value ? node_of(*value) : std::nullopt;
  if (node && node->kind == "SelectStmt") select(node->fields, *query);
  else refuse(Layer::syntax, at, "only SELECT may stand in parentheses here");
  return query;
}

void TreeReader::sort_clause(const Object& fields, std::string_view field, std::vector<Use>& uses, Use::Alias alias) {
  for (const auto& item : items_of(fields, field)) {
    const auto sort = node_of(item);
    if (!sort || sort->kind != "SortBy") return not_understood("ORDER BY", 0);
    check_fields("ORDER BY", sort->fields, "node sortby_dir sortby_nulls useOp location");
    check_operator(sort->fields, "useOp");
    if (const auto value = child_of(sort->fields, "node")) expression(*value, uses, alias);
  }
}

void TreeReader::check_fields(std::string_view kind, const Object& fields, std::string_view known) {
  for (const auto& field : fields) {
    bool found = false;
    each_word(known, [&](std::string_view word) { found = found || word == field.key; });
    if (!found) return not_understood(fmt::format("{} with {}", kind, field.key), place_of(fields));
  }
}

void TreeReader::refuse(Layer layer, std::size_t at, std::string what, std::string hint, Code code) {
  if (!refusal_) refusal_ = Refusal{layer, code, at, std::move(what), std::move(hint)};
}

void TreeReader::not_understood(std::string_view what, std::size_t at) {
  refuse(Layer::syntax, at, fmt::format("{} is not understood here", what));
}

}  // namespace postgres
}  // namespace vmc::sql
