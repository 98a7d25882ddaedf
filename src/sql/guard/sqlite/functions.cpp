#include "sql/guard/sqlite/functions.hpp"

#include <algorithm>
#include <array>

namespace vmc::sql::sqlite {
namespace {

// Functions of their arguments alone. Left out on purpose, although they are callable in a SELECT: load_extension
// (runs code), readfile, writefile, edit, fsdir, zipfile (files), eval (runs SQL), fts3_tokenizer and fts5 (addresses
// of the process), optimize (writes), rtreecheck (runs SQL), randomblob (grows without bound), sqlite_compileoption_*
// and sqlite_source_id (the build), changes, total_changes and last_insert_rowid (other callers of the session),
// sqlite_log (writes the log), sqlite_offset and rtreenode (inside of the file).
constexpr std::array<std::string_view, 136> kFunctions{
    "->", "->>", "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "avg", "bm25", "ceil", "ceiling",
    "char", "coalesce", "concat", "concat_ws", "cos", "cosh", "count", "cume_dist", "current_date", "current_time",
    "current_timestamp", "date", "datetime", "degrees", "dense_rank", "exp", "first_value", "floor", "format", "glob",
    "group_concat", "hex", "highlight", "if", "ifnull", "iif", "instr", "json", "json_array", "json_array_insert",
    "json_array_length", "json_error_position", "json_extract", "json_group_array", "json_group_object", "json_insert",
    "json_object", "json_patch", "json_pretty", "json_quote", "json_remove", "json_replace", "json_set", "json_type",
    "json_valid", "jsonb", "jsonb_array", "jsonb_extract", "jsonb_group_array", "jsonb_group_object", "jsonb_insert",
    "jsonb_object", "jsonb_patch", "jsonb_remove", "jsonb_replace", "jsonb_set", "julianday", "lag", "last_value",
    "lead", "length", "like", "likelihood", "likely", "ln", "log", "log10", "log2", "lower", "ltrim", "match", "max",
    "median", "min", "mod", "nth_value", "ntile", "nullif", "octet_length", "offsets", "percent_rank", "percentile",
    "percentile_cont", "percentile_disc", "pi", "pow", "power", "printf", "quote", "radians", "random", "rank",
    "replace", "round", "row_number", "rtrim", "sign", "sin", "sinh", "snippet", "soundex", "sqlite_version", "sqrt",
    "strftime", "string_agg", "substr", "substring", "sum", "tan", "tanh", "time", "timediff", "total", "trim",
    "trunc", "typeof", "unhex", "unicode", "unixepoch", "unlikely", "upper", "zeroblob"};
static_assert(std::is_sorted(kFunctions.begin(), kFunctions.end()));

constexpr std::array<std::string_view, 5> kFullText{"bm25", "highlight", "match", "offsets", "snippet"};

// Not "sql", which is source text, and not "rootpage", which is a place in the file.
constexpr std::array<std::string_view, 3> kSchemaColumns{"name", "tbl_name", "type"};
constexpr std::array<std::string_view, 10> kJsonColumns{"atom", "fullkey", "id",   "json", "key",
                                                        "parent", "path",  "root", "type", "value"};

constexpr auto kRows = SystemTable::Kind::rows;
constexpr auto kSchema = SystemTable::Kind::schema;
constexpr auto kDescription = SystemTable::Kind::description;
constexpr auto kReferences = SystemTable::Kind::references;
constexpr std::array kTables{
    SystemTable{"json_each", kRows, kJsonColumns},
    SystemTable{"json_tree", kRows, kJsonColumns},
    SystemTable{"pragma_foreign_key_list", kReferences, {}},
    SystemTable{"pragma_table_info", kDescription, {}},
    SystemTable{"pragma_table_list", kSchema, {}},
    SystemTable{"pragma_table_xinfo", kDescription, {}},
    SystemTable{"sqlite_master", kSchema, kSchemaColumns},
    SystemTable{"sqlite_schema", kSchema, kSchemaColumns},
};

// Tables that modules of SQLite's shell and of its source tree make without being asked: files, code, other statements.
constexpr std::array<std::string_view, 15> kForeignModules{
    "bytecode", "carray", "completion", "csv", "dbstat", "eval", "fsdir", "fsentry", "fstree", "memstat", "stmt",
    "stmtvtab", "tables_used", "unionvtab", "zipfile"};
static_assert(std::is_sorted(kForeignModules.begin(), kForeignModules.end()));

}  // namespace

bool is_foreign_module(std::string_view name) {
  return std::binary_search(kForeignModules.begin(), kForeignModules.end(), name);
}

bool is_harmless_function(std::string_view name) {
  return std::binary_search(kFunctions.begin(), kFunctions.end(), name);
}

bool is_full_text_function(std::string_view name) {
  return std::find(kFullText.begin(), kFullText.end(), name) != kFullText.end();
}

const SystemTable* find_system_table(std::string_view name) {
  const auto found = std::find_if(kTables.begin(), kTables.end(), [&](const auto& one) { return one.name == name; });
  return found == kTables.end() ? nullptr : found;
}

std::span<const SystemTable> system_tables() { return kTables; }

bool is_system_name(std::string_view name) { return name.starts_with("sqlite_") || name.starts_with("pragma_"); }

}  // namespace vmc::sql::sqlite
