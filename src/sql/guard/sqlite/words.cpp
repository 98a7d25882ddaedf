#include "sql/guard/sqlite/words.hpp"

#include <algorithm>
#include <array>

namespace vmc::sql::sqlite {
namespace {

constexpr std::array<std::string_view, 58> kReserved{
    "add", "all", "alter", "and", "as", "autoincrement", "between", "case", "check", "collate", "commit",
    "constraint", "create", "default", "deferrable", "delete", "distinct", "drop", "else", "escape",
    "except", "exists", "foreign", "from", "group", "having", "in", "index", "insert", "intersect", "into",
    "is", "isnull", "join", "limit", "not", "nothing", "notnull", "null", "on", "or", "order", "primary",
    "references", "returning", "select", "set", "table", "then", "to", "transaction", "union", "unique",
    "update", "using", "values", "when", "where"};

constexpr std::array<std::string_view, 7> kJoinWords{"cross", "full", "inner", "left", "natural", "outer", "right"};

constexpr std::array kVerbs{
    Verb{"alter", "ALTER changes the schema"},
    Verb{"analyze", "ANALYZE writes statistics"},
    Verb{"attach", "ATTACH opens another database file"},
    Verb{"begin", "BEGIN opens a transaction of its own"},
    Verb{"call", "CALL runs a procedure"},
    Verb{"comment", "COMMENT changes the schema"},
    Verb{"commit", "COMMIT ends the transaction of the session"},
    Verb{"copy", "COPY moves data between tables and files"},
    Verb{"create", "CREATE makes something in the database"},
    Verb{"deallocate", "DEALLOCATE changes the session"},
    Verb{"declare", "DECLARE begins a block or a cursor"},
    Verb{"delete", "DELETE removes rows"},
    Verb{"desc", "DESC is no statement of SQLite", false},
    Verb{"describe", "DESCRIBE is no statement of SQLite", false},
    Verb{"detach", "DETACH takes a database from the session"},
    Verb{"do", "DO runs a block of code"},
    Verb{"drop", "DROP removes something from the database"},
    Verb{"end", "END ends the transaction of the session"},
    Verb{"exec", "EXEC runs a procedure or a text"},
    Verb{"execute", "EXECUTE runs a procedure or a text"},
    Verb{"explain", "EXPLAIN tells the plan of a statement, which is not offered", false},
    Verb{"fetch", "FETCH reads from a cursor, which SQLite does not have", false},
    Verb{"flush", "FLUSH changes the server"},
    Verb{"grant", "GRANT gives rights away"},
    Verb{"handler", "HANDLER opens a table past SELECT"},
    Verb{"import", "IMPORT loads data"},
    Verb{"insert", "INSERT adds rows"},
    Verb{"install", "INSTALL loads an extension"},
    Verb{"kill", "KILL ends another session"},
    Verb{"listen", "LISTEN changes the session"},
    Verb{"load", "LOAD reads a file into the database"},
    Verb{"lock", "LOCK locks tables"},
    Verb{"merge", "MERGE changes rows"},
    Verb{"notify", "NOTIFY sends a message to other sessions"},
    Verb{"pragma", "PRAGMA reads or changes a setting of the session", false},
    Verb{"prepare", "PREPARE stores a statement in the session"},
    Verb{"reindex", "REINDEX rebuilds indexes"},
    Verb{"release", "RELEASE ends a nested transaction"},
    Verb{"rename", "RENAME changes the schema"},
    Verb{"replace", "REPLACE deletes and adds rows"},
    Verb{"reset", "RESET changes the session"},
    Verb{"revoke", "REVOKE takes rights away"},
    Verb{"rollback", "ROLLBACK ends the transaction of the session"},
    Verb{"savepoint", "SAVEPOINT opens a nested transaction"},
    Verb{"set", "SET changes the session"},
    Verb{"show", "SHOW is no statement of SQLite", false},
    Verb{"shutdown", "SHUTDOWN stops the server"},
    Verb{"start", "START opens a transaction of its own"},
    Verb{"table", "TABLE is no statement of SQLite", false},
    Verb{"truncate", "TRUNCATE removes all rows"},
    Verb{"unlock", "UNLOCK gives locks up"},
    Verb{"update", "UPDATE changes rows"},
    Verb{"use", "USE changes the session"},
    Verb{"vacuum", "VACUUM rewrites or copies the database file"},
};
static_assert(std::is_sorted(kReserved.begin(), kReserved.end()));
static_assert(
    std::is_sorted(kVerbs.begin(), kVerbs.end(), [](const Verb& a, const Verb& b) { return a.word < b.word; }));

}  // namespace

bool is_reserved(std::string_view word) {
  return std::binary_search(kReserved.begin(), kReserved.end(), word);
}

bool is_join_word(std::string_view word) {
  return std::find(kJoinWords.begin(), kJoinWords.end(), word) != kJoinWords.end();
}

const Verb* find_verb(std::string_view word) {
  const auto found = std::lower_bound(kVerbs.begin(), kVerbs.end(), word,
                                      [](const Verb& one, std::string_view w) { return one.word < w; });
  return found != kVerbs.end() && found->word == word ? found : nullptr;
}

}  // namespace vmc::sql::sqlite
