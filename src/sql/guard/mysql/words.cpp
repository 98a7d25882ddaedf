#include "sql/guard/mysql/words.hpp"

#include <algorithm>
#include <array>

namespace vmc::sql::mysql {
namespace {

constexpr auto kReserved = std::to_array<std::string_view>({
    "accessible", "add", "all", "alter", "analyze", "and", "as", "asc", "asensitive", "before", "between", "bigint",
    "binary", "blob", "both", "by", "call", "cascade", "case", "change", "char", "character", "check", "collate",
    "column", "condition", "constraint", "continue", "convert", "create", "cross", "current_date", "current_time",
    "current_timestamp", "current_user", "cursor", "databases", "day_hour", "day_microsecond", "day_minute",
    "day_second", "dec", "decimal", "declare", "default", "delayed", "delete", "desc", "describe", "deterministic",
    "distinct", "distinctrow", "div", "double", "drop", "dual", "each", "else", "elseif", "enclosed", "escaped",
    "except", "exists", "exit", "explain", "false", "fetch", "float", "float4", "float8", "for", "force", "foreign",
    "from", "fulltext", "grant", "group", "having", "high_priority", "hour_microsecond", "hour_minute", "hour_second",
    "if", "ignore", "in", "index", "infile", "inner", "inout", "insensitive", "insert", "int", "int1", "int2", "int3",
    "int4", "int8", "integer", "intersect", "interval", "into", "is", "iterate", "join", "key", "keys", "kill",
    "leading", "leave", "left", "like", "limit", "linear", "lines", "load", "localtime", "localtimestamp", "lock",
    "long", "longblob", "longtext", "loop", "low_priority", "master_ssl_verify_server_cert", "match", "maxvalue",
    "mediumblob", "mediumint", "mediumtext", "middleint", "minute_microsecond", "minute_second", "mod", "modifies",
    "natural", "no_write_to_binlog", "not", "null", "numeric", "on", "optimize", "optionally", "or", "order", "out",
    "outer", "outfile", "over", "partition", "precision", "primary", "procedure", "purge", "range", "read",
    "read_write", "reads", "real", "recursive", "references", "regexp", "release", "rename", "repeat", "replace",
    "require", "resignal", "restrict", "return", "revoke", "right", "rlike", "schemas", "second_microsecond",
    "select", "sensitive", "separator", "set", "show", "signal", "smallint", "spatial", "specific", "sql",
    "sql_big_result", "sql_calc_found_rows", "sql_small_result", "sqlexception", "sqlstate", "sqlwarning", "ssl",
    "starting", "straight_join", "table", "terminated", "then", "tinyblob", "tinyint", "tinytext", "to", "trailing",
    "trigger", "true", "undo", "union", "unique", "unlock", "unsigned", "update", "usage", "use", "using", "utc_date",
    "utc_time", "utc_timestamp", "values", "varbinary", "varchar", "varcharacter", "varying", "when", "where",
    "while", "with", "write", "xor", "year_month", "zerofill",
});
static_assert(std::ranges::is_sorted(kReserved));

constexpr auto kNeverBareAlias = std::to_array<std::string_view>({
    "lateral", "offset", "qualify", "returning", "rows", "tablesample", "window",
});
static_assert(std::ranges::is_sorted(kNeverBareAlias));

constexpr auto kUnits = std::to_array<std::string_view>({
    "day", "day_hour", "day_microsecond", "day_minute", "day_second", "hour", "hour_microsecond", "hour_minute",
    "hour_second", "microsecond", "minute", "minute_microsecond", "minute_second", "month", "quarter", "second",
    "second_microsecond", "sql_tsi_day", "sql_tsi_hour", "sql_tsi_minute", "sql_tsi_month", "sql_tsi_quarter",
    "sql_tsi_second", "sql_tsi_week", "sql_tsi_year", "week", "year", "year_month",
});
static_assert(std::ranges::is_sorted(kUnits));

constexpr auto kCharacterSets = std::to_array<std::string_view>({
    "armscii8", "ascii", "big5", "binary", "cp1250", "cp1251", "cp1256", "cp1257", "cp850", "cp852", "cp866", "cp932",
    "dec8", "eucjpms", "euckr", "gb18030", "gb2312", "gbk", "geostd8", "greek", "hebrew", "hp8", "keybcs2", "koi8r",
    "koi8u", "latin1", "latin2", "latin5", "latin7", "macce", "macroman", "sjis", "swe7", "tis620", "ucs2", "ujis",
    "utf16", "utf16le", "utf32", "utf8", "utf8mb3", "utf8mb4",
});
static_assert(std::ranges::is_sorted(kCharacterSets));

struct Verb {
  std::string_view word, meaning;
};

constexpr auto kVerbs = std::to_array<Verb>({
    // clang-format off
    {"alter", "ALTER changes the schema"},
    {"analyze", "ANALYZE runs a statement or renews statistics"},
    {"backup", "BACKUP locks the server"},
    {"begin", "BEGIN opens a transaction or a block"},
    {"binlog", "BINLOG applies changes"},
    {"cache", "CACHE moves an index"},
    {"call", "CALL runs a procedure"},
    {"change", "CHANGE sets up replication"},
    {"check", "CHECK locks tables"},
    {"checksum", "CHECKSUM locks tables"},
    {"clone", "CLONE copies the data files"},
    {"commit", "COMMIT ends the transaction"},
    {"create", "CREATE makes something new"},
    {"deallocate", "DEALLOCATE drops a prepared statement"},
    {"declare", "DECLARE belongs into routines"},
    {"delete", "DELETE removes rows"},
    {"do", "DO evaluates expressions for their effect"},
    {"drop", "DROP removes something for good"},
    {"execute", "EXECUTE runs a text nobody has read"},
    {"flush", "FLUSH changes the state of the server"},
    {"get", "GET DIAGNOSTICS sets variables"},
    {"grant", "GRANT changes rights"},
    {"handler", "HANDLER reads rows past every rule about columns"},
    {"import", "IMPORT takes tables over from files"},
    {"insert", "INSERT adds rows"},
    {"install", "INSTALL loads native code"},
    {"kill", "KILL ends other sessions"},
    {"load", "LOAD reads a file into a table"},
    {"lock", "LOCK stops other sessions"},
    {"merge", "MERGE changes rows"},
    {"optimize", "OPTIMIZE rebuilds tables"},
    {"prepare", "PREPARE puts a text aside that nobody has read"},
    {"purge", "PURGE removes logs"},
    {"release", "RELEASE ends a savepoint"},
    {"rename", "RENAME changes names"},
    {"repair", "REPAIR rewrites tables"},
    {"replace", "REPLACE deletes and adds rows"},
    {"reset", "RESET drops state of the server"},
    {"resignal", "RESIGNAL belongs into routines"},
    {"restart", "RESTART restarts the server"},
    {"revoke", "REVOKE changes rights"},
    {"rollback", "ROLLBACK ends the transaction"},
    {"savepoint", "SAVEPOINT changes the transaction"},
    {"set", "SET changes settings or variables"},
    {"shutdown", "SHUTDOWN stops the server"},
    {"signal", "SIGNAL belongs into routines"},
    {"start", "START opens a transaction or starts replication"},
    {"stop", "STOP stops replication"},
    {"truncate", "TRUNCATE empties a table"},
    {"uninstall", "UNINSTALL unloads native code"},
    {"unlock", "UNLOCK ends locks and the transaction"},
    {"update", "UPDATE changes rows"},
    {"use", "USE changes the database that bare names mean"},
    {"xa", "XA controls distributed transactions"},
    // clang-format on
});
static_assert(std::ranges::is_sorted(kVerbs, {}, &Verb::word));

}  // namespace

bool is_reserved(std::string_view word) { return std::ranges::binary_search(kReserved, word); }

bool is_never_bare_alias(std::string_view word) { return std::ranges::binary_search(kNeverBareAlias, word); }

std::string_view verb_meaning(std::string_view word) {
  const auto at = std::ranges::lower_bound(kVerbs, word, {}, &Verb::word);
  return at != kVerbs.end() && at->word == word ? at->meaning : std::string_view{};
}

bool is_unit(std::string_view word) { return std::ranges::binary_search(kUnits, word); }

bool is_introducer(std::string_view word) {
  return word.starts_with('_') && std::ranges::binary_search(kCharacterSets, word.substr(1));
}

}  // namespace vmc::sql::mysql
