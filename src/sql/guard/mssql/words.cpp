#include "sql/guard/mssql/words.hpp"

#include <algorithm>
#include <array>

namespace vmc::sql::mssql {
namespace {

// The documented list, less PRECISION and WITHIN, which servers take as names. What begins a statement must stay in it:
// such a word ends a query wherever it stands, without a separator.
constexpr auto kReserved = std::to_array<std::string_view>({
    "add", "all", "alter", "and", "any", "as", "asc", "authorization", "backup", "begin", "between", "break", "browse",
    "bulk", "by", "cascade", "case", "check", "checkpoint", "close", "clustered", "coalesce", "collate", "column",
    "commit", "compute", "constraint", "contains", "containstable", "continue", "convert", "create", "cross",
    "current", "current_date", "current_time", "current_timestamp", "current_user", "cursor", "database", "dbcc",
    "deallocate", "declare", "default", "delete", "deny", "desc", "disk", "distinct", "distributed", "double", "drop",
    "dump", "else", "end", "errlvl", "escape", "except", "exec", "execute", "exists", "exit", "external", "fetch",
    "file", "fillfactor", "for", "foreign", "freetext", "freetexttable", "from", "full", "function", "goto", "grant",
    "group", "having", "holdlock", "identity", "identity_insert", "identitycol", "if", "in", "index", "inner",
    "insert", "intersect", "into", "is", "join", "key", "kill", "left", "like", "lineno", "load", "merge", "national",
    "nocheck", "nonclustered", "not", "null", "nullif", "of", "off", "offsets", "on", "open", "opendatasource",
    "openquery", "openrowset", "openxml", "option", "or", "order", "outer", "over", "percent", "pivot", "plan",
    "primary", "print", "proc", "procedure", "public", "raiserror", "read", "readtext", "reconfigure", "references",
    "replication", "restore", "restrict", "return", "revert", "revoke", "right", "rollback", "rowcount", "rowguidcol",
    "rule", "save", "schema", "securityaudit", "select", "semantickeyphrasetable", "semanticsimilaritydetailstable",
    "semanticsimilaritytable", "session_user", "set", "setuser", "shutdown", "some", "statistics", "system_user",
    "table", "tablesample", "textsize", "then", "to", "top", "tran", "transaction", "trigger", "truncate",
    "try_convert", "tsequal", "union", "unique", "unpivot", "update", "updatetext", "use", "user", "values", "varying",
    "view", "waitfor", "when", "where", "while", "with", "writetext",
});

constexpr auto kVerbs = std::to_array<Verb>({
    {"add", "ADD signs and labels objects"},
    {"alter", "ALTER changes objects of the database"},
    {"backup", "BACKUP writes files on the server"},
    {"begin", "BEGIN opens a transaction, a dialog or a block"},
    {"break", "BREAK is a step of a script"},
    {"bulk", "BULK INSERT loads a file of the server"},
    {"checkpoint", "CHECKPOINT writes pages of the database"},
    {"close", "CLOSE ends a cursor or a key"},
    {"commit", "COMMIT ends the agent's own transaction"},
    {"continue", "CONTINUE is a step of a script"},
    {"create", "CREATE makes objects in the database"},
    {"dbcc", "DBCC administers the server"},
    {"deallocate", "DEALLOCATE ends a cursor"},
    {"declare", "DECLARE begins a script"},
    {"delete", "DELETE removes rows"},
    {"deny", "DENY changes rights"},
    {"disk", "DISK administers the server"},
    {"drop", "DROP removes objects"},
    {"dump", "DUMP writes files on the server"},
    {"exec", "EXEC runs code that cannot be seen here"},
    {"execute", "EXECUTE runs code that cannot be seen here"},
    {"fetch", "FETCH moves a cursor"},
    {"goto", "GOTO is a step of a script"},
    {"grant", "GRANT changes rights"},
    {"if", "IF is a step of a script"},
    {"insert", "INSERT adds rows"},
    {"kill", "KILL ends other sessions"},
    {"lineno", "LINENO changes the session"},
    {"load", "LOAD overwrites a database"},
    {"merge", "MERGE changes rows"},
    {"open", "OPEN begins a cursor or opens a key"},
    {"print", "PRINT is a step of a script"},
    {"raiserror", "RAISERROR raises an error"},
    {"readtext", "READTEXT reads through a text pointer"},
    {"reconfigure", "RECONFIGURE changes settings of the server"},
    {"restore", "RESTORE overwrites a database"},
    {"return", "RETURN is a step of a script"},
    {"revert", "REVERT changes the user of the session"},
    {"revoke", "REVOKE changes rights"},
    {"rollback", "ROLLBACK ends the agent's own transaction"},
    {"save", "SAVE sets a savepoint in the agent's own transaction"},
    {"set", "SET changes the session"},
    {"setuser", "SETUSER changes the user of the session"},
    {"shutdown", "SHUTDOWN stops the server"},
    {"truncate", "TRUNCATE empties tables"},
    {"update", "UPDATE changes rows"},
    {"updatetext", "UPDATETEXT changes rows"},
    {"use", "USE changes the database of the session"},
    {"waitfor", "WAITFOR holds up the session"},
    {"while", "WHILE is a step of a script"},
    {"writetext", "WRITETEXT changes rows"},
});

constexpr auto kClauseWords = std::to_array<std::string_view>({
    "and", "as", "else", "except", "from", "having", "intersect", "into", "join", "on", "option", "or", "select",
    "then", "union", "when", "where",
});

constexpr auto kHeadVerbs = std::to_array<Verb>({
    {"copy", "COPY loads files"},
    {"disable", "DISABLE switches triggers off"},
    {"enable", "ENABLE switches triggers on"},
    {"explain", "EXPLAIN is not offered"},
    {"get", "GET locks conversations"},
    {"move", "MOVE changes conversations"},
    {"receive", "RECEIVE takes messages out of a queue"},
    {"rename", "RENAME renames objects"},
    {"send", "SEND sends messages"},
    {"throw", "THROW raises an error"},
});

constexpr auto kDateParts = std::to_array<std::string_view>({
    "d", "day", "dayofyear", "dd", "dw", "dy", "hh", "hour", "iso_week", "isowk", "isoww", "m", "mcs", "mi",
    "microsecond", "millisecond", "minute", "mm", "month", "ms", "n", "nanosecond", "ns", "q", "qq", "quarter", "s",
    "second", "ss", "tz", "tzoffset", "w", "week", "weekday", "wk", "ww", "y", "year", "yy", "yyyy",
});

static_assert(std::is_sorted(kReserved.begin(), kReserved.end()));
static_assert(std::is_sorted(kClauseWords.begin(), kClauseWords.end()));
static_assert(std::is_sorted(kDateParts.begin(), kDateParts.end()));
constexpr bool by_word(const Verb& a, const Verb& b) { return a.word < b.word; }
static_assert(std::is_sorted(kVerbs.begin(), kVerbs.end(), by_word));
static_assert(std::is_sorted(kHeadVerbs.begin(), kHeadVerbs.end(), by_word));

template <class Verbs>
const Verb* find(const Verbs& verbs, std::string_view word) {
  const auto* verb = std::lower_bound(verbs.begin(), verbs.end(), Verb{word, {}}, by_word);
  return verb != verbs.end() && verb->word == word ? verb : nullptr;
}

}  // namespace

bool is_reserved(std::string_view word) { return std::binary_search(kReserved.begin(), kReserved.end(), word); }

bool is_clause_word(std::string_view word) {
  return std::binary_search(kClauseWords.begin(), kClauseWords.end(), word);
}

const Verb* find_verb(std::string_view word) { return find(kVerbs, word); }

const Verb* find_head_verb(std::string_view word) { return find(kHeadVerbs, word); }

bool is_date_part(std::string_view word) { return std::binary_search(kDateParts.begin(), kDateParts.end(), word); }

}  // namespace vmc::sql::mssql
