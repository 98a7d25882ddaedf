// What the database user may do beyond reading, from SHOW GRANTS: the server's own summary, roles included.
#include <algorithm>

#include <fmt/format.h>

#include "sources/mysql/parts.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::mysql {
namespace {

constexpr auto kRightsLimit = std::chrono::seconds{30};

// One "GRANT privileges ON object TO …" line.
struct Grant {
  std::vector<std::string> privileges;
  std::string object;  // `db`.*, *.*
};

// Privileges are divided by commas outside parentheses: "SELECT (`a`, `b`), INSERT".
std::optional<Grant> parse(std::string_view line) {
  constexpr std::string_view kGrant = "GRANT ";
  const auto on = line.find(" ON ");
  if (!line.starts_with(kGrant) || on == line.npos) return std::nullopt;
  Grant grant;
  std::string word;
  int depth = 0;
  for (const char c : line.substr(kGrant.size(), on - kGrant.size())) {
    if (c == '(') ++depth;
    if (depth == 0 && c == ',') {
      grant.privileges.push_back(std::exchange(word, ""));
    } else if (depth == 0 && !(c == ' ' && word.empty())) {
      word += c;
    }
    if (c == ')') --depth;
  }
  grant.privileges.push_back(word);
  for (auto& privilege : grant.privileges)
    while (privilege.ends_with(' ')) privilege.pop_back();
  const auto rest = line.substr(on + 4);
  const auto to = rest.find(" TO ");
  grant.object = rest.substr(0, to);
  if (line.find(" WITH GRANT OPTION") != line.npos) grant.privileges.push_back("GRANT OPTION");
  return grant;
}

bool in(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_reading(std::string_view privilege) {
  return in(privilege, {"SELECT", "USAGE", "SHOW VIEW", "SHOW DATABASES"});
}

bool is_writing(std::string_view privilege) {
  return in(privilege, {"ALL PRIVILEGES", "ALL",
                        "INSERT",         "UPDATE",
                        "DELETE",         "CREATE",
                        "DROP",           "ALTER",
                        "INDEX",          "CREATE VIEW",
                        "CREATE ROUTINE", "ALTER ROUTINE",
                        "EVENT",          "TRIGGER",
                        "REFERENCES",     "FILE",
                        "SUPER",          "CREATE USER",
                        "EXECUTE",        "DELETE HISTORY",
                        "GRANT OPTION",   "CREATE TABLESPACE"});
}

// Files of the server, users, rights of others, other servers.
bool reaches_beyond(std::string_view privilege) {
  return in(privilege, {"FILE", "CREATE USER", "GRANT OPTION", "REPLICATION SLAVE", "FEDERATED ADMIN", "SYSTEM_USER",
                        "ROLE_ADMIN", "BINLOG REPLAY", "BINLOG ADMIN", "SHUTDOWN"});
}

bool is_super(std::string_view privilege) { return in(privilege, {"ALL PRIVILEGES", "ALL", "SUPER"}); }

// The exact statements that make the user this connection should have.
Result<std::string> reader_statements(const std::string& database) {
  VMC_TRY(quoted, sql::quote(sql::Dialect::mysql, database));
  return fmt::format(
      "CREATE USER 'vmc_reader'@'%' IDENTIFIED BY '<choose one>';\n"
      "GRANT SELECT, SHOW VIEW ON {}.* TO 'vmc_reader'@'%';\n",
      quoted);
}

}  // namespace

Result<RightsReport> rights(Connection& db) {
  VMC_TRY(transaction, Transaction::begin(db, kRightsLimit));
  VMC_TRY(who, ask(db, "SELECT CAST(CURRENT_USER() AS CHAR), CAST(DATABASE() AS CHAR)"));
  if (who.size() != 1 || !who[0][0] || !who[0][1])
    return fail(Code::database_error, "the server does not tell the rights of its own user");
  const auto& user = *who[0][0];
  VMC_TRY(lines, ask(db, "SHOW GRANTS"));
  RightsReport report;
  for (const auto& line : lines) {
    const auto grant = line[0] ? parse(*line[0]) : std::nullopt;
    if (!grant) continue;
    std::string beyond;
    for (const auto& privilege : grant->privileges) {
      if (is_reading(privilege)) continue;
      beyond += (beyond.empty() ? "" : ", ") + privilege;
      report.can_write = report.can_write || is_writing(privilege);
      report.reaches_beyond = report.reaches_beyond || reaches_beyond(privilege);
      report.superuser = report.superuser || (is_super(privilege) && grant->object == "*.*");
    }
    if (beyond.empty()) continue;
    report.findings.push_back(fmt::format("User '{}' has more than reading on {}: {}.", user, grant->object, beyond));
  }
  if (report.superuser)
    report.findings.insert(
        report.findings.begin(),
        fmt::format("User '{}' is an administrator: it can write everything and read files of the server.", user));
  if (!report.findings.empty()) {
    VMC_TRY(statements, reader_statements(*who[0][1]));
    report.findings.push_back("For a user that can only read, run as an administrator:\n" + statements);
  }
  return report;
}

}  // namespace vmc::sources::mysql
