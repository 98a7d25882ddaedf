#include <algorithm>
#include <charconv>

#include "core/log.hpp"
#include "core/text.hpp"
#include "sources/load_plan.hpp"
#include "sources/sqlite/declared_type.hpp"
#include "sources/sqlite/parts.hpp"
#include "sources/unchanged.hpp"
#include "sql/dialect.hpp"
#include "sql/guard/views.hpp"

namespace vmc::sources::sqlite {
namespace {

// Without the tables in which a virtual table keeps its rows. SQLite tells which they are, unless it does not know the
// virtual table's module: then all whose names begin like its own.
constexpr const char* kRelations =
    "WITH list AS MATERIALIZED (SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'),"
    " unknown AS MATERIALIZED (SELECT v.name || '_' AS prefix FROM list AS v WHERE v.type = 'virtual' AND NOT EXISTS ("
    "SELECT 1 FROM list AS s WHERE s.type = 'shadow'"
    " AND substr(s.name, 1, length(v.name) + 1) = v.name || '_' COLLATE NOCASE))"
    " SELECT name, type, wr, strict FROM list WHERE type IN ('table', 'view')"
    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND NOT EXISTS ("
    "SELECT 1 FROM unknown AS u WHERE substr(list.name, 1, length(u.prefix)) = u.prefix COLLATE NOCASE) ORDER BY name";

struct Relation {
  std::string name;  // as SQLite has it
  bool view = false;
  bool without_rowid = false;
  bool strict = false;
};

std::string text_at(const Stmt& row, int index) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row.get(), index));
  return text ? std::string{text, static_cast<std::size_t>(sqlite3_column_bytes(row.get(), index))}
              : std::string{};
}
std::int64_t number_at(const Stmt& row, int index) { return sqlite3_column_int64(row.get(), index); }
bool null_at(const Stmt& row, int index) { return sqlite3_column_type(row.get(), index) == SQLITE_NULL; }

// A dot in a table's own name would read as a schema.
std::string qualified(const std::string& name) { return name.find('.') == name.npos ? name : "main." + name; }
std::string bare_name(const std::string& name) {
  constexpr std::string_view kSchema = "main.";
  return name.starts_with(kSchema) ? name.substr(kSchema.size()) : name;
}

// The catalogue queries, prepared once for all tables.
class Catalogue {
 public:
  explicit Catalogue(Database& db) : db_{db} {}

  Result<void> prepare() {
    VMC_TRY(
        columns,
        db_.prepare(
            "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1) WHERE hidden <> 1 "
            "ORDER BY cid"));
    VMC_TRY(indexes, db_.prepare("SELECT name, origin FROM pragma_index_list(?1) WHERE \"unique\" = 1 AND "
                                 "partial = 0 ORDER BY name"));
    VMC_TRY(members,
            db_.prepare("SELECT cid, name FROM pragma_index_xinfo(?1) WHERE key = 1 ORDER BY seqno"));
    VMC_TRY(references,
            db_.prepare(
                "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1) ORDER BY id, seq"));
    VMC_TRY(definitions, db_.prepare("SELECT sql FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?1"));
    definitions_ = std::move(definitions);
    columns_ = std::move(columns);
    indexes_ = std::move(indexes);
    members_ = std::move(members);
    references_ = std::move(references);
    return {};
  }

  Result<std::vector<Relation>> relations() {
    VMC_TRY(list, db_.prepare(kRelations));
    std::vector<Relation> out;
    for (;;) {
      VMC_TRY(more, db_.step(list.get()));
      if (!more) return out;
      Relation relation{text_at(list, 0), text_at(list, 1) == "view", number_at(list, 2) != 0,
                        number_at(list, 3) != 0};
      if (!is_own_table(relation.name)) out.push_back(std::move(relation));
    }
  }

  Result<data::TableInfo> table(const Relation& relation) {
    data::TableInfo info;
    info.name = qualified(relation.name);
    info.view = relation.view;
    VMC_TRY(generated, read_columns(relation, info));
    if (!generated.empty()) VMC_CHECK(read_expressions(relation, info, generated));
    if (relation.view) {
      VMC_TRY(definition, definition_of(relation.name));
      VMC_TRY(reads, reads_of(relation.name, lowered(definition)));
      info.reads = std::move(reads);
      info.definition = print_of(definition);
      return info;
    }
    VMC_CHECK(read_unique_keys(relation, info));
    VMC_CHECK(read_references(relation, info));
    VMC_CHECK(estimate(relation, info));
    return info;
  }

  const sql::Computed& computed() const { return computed_; }

 private:
  Result<std::string> definition_of(const std::string& view) {
    std::string definition;
    VMC_CHECK(each(definitions_, view, [&] { definition = text_at(definitions_, 0); }));
    return definition;
  }

  // What SQLite compares for NATURAL and USING it does not tell.
  Result<data::Reads> reads_of(const std::string& view, const std::string& definition) {
    const bool unnamed = definition.find("natural") != definition.npos || definition.find("using") != definition.npos;
    VMC_TRY(name, sql::quote(sql::Dialect::sqlite, view));
    Database::Watching watching{db_};
    if (unnamed || !db_.prepare("SELECT * FROM main." + name)) return data::Reads{{"*", {"*"}}};
    data::Reads reads;
    for (auto& [table, columns] : watching.reads)
      if (table != view) reads[qualified(table)] = std::move(columns);
    return reads;
  }

  template <class Row>
  Result<void> each(Stmt& statement, const std::string& name, Row row) {
    sqlite3_reset(statement.get());
    VMC_CHECK(db_.bind(statement.get(), 1, name));
    for (;;) {
      VMC_TRY(more, db_.step(statement.get()));
      if (!more) return {};
      row();
    }
  }

  Result<void> read_expressions(const Relation& relation, const data::TableInfo& info,
                                const std::vector<std::string>& generated) {
    std::string definition;
    VMC_CHECK(each(definitions_, relation.name, [&] { definition = text_at(definitions_, 0); }));
    computed_[info.name] = sql::sqlite_expressions(definition, generated);
    return {};
  }

  // The names of those that are generated.
  Result<std::vector<std::string>> read_columns(const Relation& relation, data::TableInfo& info) {
    std::vector<std::string> generated;
    std::vector<std::pair<std::int64_t, std::string>> key;
    VMC_CHECK(each(columns_, relation.name, [&] {
      data::ColumnInfo column;
      column.name = text_at(columns_, 0);
      column.sql_type = text_at(columns_, 1);
      column.type = type_of(column.sql_type);
      column.nullable = number_at(columns_, 2) == 0;
      if (!null_at(columns_, 3)) column.default_value = text_at(columns_, 3);
      if (const auto place = number_at(columns_, 4); place > 0) key.emplace_back(place, column.name);
      if (number_at(columns_, 5) != 0) generated.push_back(column.name);
      info.columns.push_back(std::move(column));
    }));
    std::sort(key.begin(), key.end());
    for (auto& [place, name] : key) info.primary_key.push_back(std::move(name));
    // Elsewhere SQLite lets a primary key be null, for the sake of old databases.
    for (auto& column : info.columns) {
      const bool member =
          std::find(info.primary_key.begin(), info.primary_key.end(), column.name) != info.primary_key.end();
      const bool rowid =
          info.primary_key.size() == 1 && sqlite3_stricmp(column.sql_type.c_str(), "INTEGER") == 0;
      if (member && (relation.without_rowid || relation.strict || rowid)) column.nullable = false;
    }
    return generated;
  }

  Result<void> read_unique_keys(const Relation& relation, data::TableInfo& info) {
    std::vector<std::string> names;
    VMC_CHECK(each(indexes_, relation.name, [&] {
      if (text_at(indexes_, 1) != "pk") names.push_back(text_at(indexes_, 0));
    }));
    for (const auto& name : names) {
      std::vector<std::string> columns;
      bool plain = true;
      VMC_CHECK(each(members_, name, [&] {
        plain = plain && number_at(members_, 0) >= 0;
        columns.push_back(text_at(members_, 1));
      }));
      if (plain && columns != info.primary_key) info.unique_keys.push_back(std::move(columns));
    }
    std::sort(info.unique_keys.begin(), info.unique_keys.end());
    return {};
  }

  Result<void> read_references(const Relation& relation, data::TableInfo& info) {
    std::int64_t current = -1;
    return each(references_, relation.name, [&] {
      if (number_at(references_, 0) != current) {
        current = number_at(references_, 0);
        info.foreign_keys.push_back({{}, qualified(text_at(references_, 1)), {}});
      }
      auto& key = info.foreign_keys.back();
      key.columns.push_back(text_at(references_, 2));
      if (!null_at(references_, 3)) key.referenced.push_back(text_at(references_, 3));
    });
  }

  // The largest rowid: found in one descent of the tree, and near the count where rows are rarely deleted.
  Result<void> estimate(const Relation& relation, data::TableInfo& info) {
    if (relation.without_rowid) return {};
    VMC_TRY(quoted, sql::quote(sql::Dialect::sqlite, relation.name));
    auto statement = db_.prepare("SELECT max(_rowid_) FROM main." + quoted);
    if (!statement) return {};  // a column of that name hides the rowid: no estimate
    VMC_TRY(row, db_.step(statement->get()));
    if (row && !null_at(*statement, 0))
      info.row_estimate = std::max<std::int64_t>(0, number_at(*statement, 0));
    if (row && null_at(*statement, 0)) info.row_estimate = 0;
    return {};
  }

  Database& db_;
  sql::Computed computed_;
  Stmt definitions_, columns_, indexes_, members_, references_;
};

// "REFERENCES parent" without columns means the parent's primary key; a parent that is not here is not told.
void resolve_references(data::Schema& schema) {
  for (auto& table : schema.tables) {
    for (auto& key : table.foreign_keys)
      if (const auto* parent = schema.table(key.table); parent && key.referenced.empty())
        key.referenced = parent->primary_key;
    std::erase_if(table.foreign_keys, [&](const data::ForeignKey& key) {
      return !schema.table(key.table) || key.referenced.size() != key.columns.size();
    });
    std::reverse(table.foreign_keys.begin(), table.foreign_keys.end());  // SQLite lists the last one first
  }
}

}  // namespace

// SQLite compares names without case.
Result<void> check_unchanged(Database& db, const std::vector<const data::TableInfo*>& reached) {
  const Database::Discovering discovering{db};
  VMC_TRY(
      found,
      db.prepare("SELECT type, sql FROM sqlite_master WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view')"));
  for (const auto* table : reached) {
    sqlite3_reset(found.get());
    VMC_CHECK(db.bind(found.get(), 1, bare_name(table->name)));
    VMC_TRY(there, db.step(found.get()));
    std::optional<LiveRelation> live;
    if (there) live = {text_at(found, 0) == "table", print_of(text_at(found, 1))};
    VMC_CHECK(check_relation(*table, live));
  }
  return {};
}

Result<data::Schema> discover(Database& db) {
  Database::Discovering catalogue_reads{db};
  VMC_TRY(transaction, Transaction::begin(db));
  Catalogue catalogue{db};
  VMC_CHECK(catalogue.prepare());
  VMC_TRY(relations, catalogue.relations());
  data::Schema schema;
  for (const auto& relation : relations) {
    auto table = catalogue.table(relation);
    if (!table && relation.view && table.error().code == Code::database_error) {
      log::warn("sqlite", "a view was left out: it no longer fits its tables", {{"view", relation.name}});
      continue;
    }
    if (!table) return std::move(table).error();
    if (!table->columns.empty()) schema.tables.push_back(std::move(*table));
  }
  std::sort(schema.tables.begin(), schema.tables.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  resolve_references(schema);
  VMC_CHECK(sql::fill_computed(sql::Dialect::sqlite, schema, catalogue.computed()));
  return schema;
}

}  // namespace vmc::sources::sqlite
