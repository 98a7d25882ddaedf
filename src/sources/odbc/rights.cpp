#include <fmt/format.h>

#include <set>

#include "core/text.hpp"
#include "sources/odbc/parts.hpp"

namespace vmc::sources::odbc {
namespace {

constexpr auto kRightsLimit = std::chrono::seconds{30};
constexpr std::size_t kShown = 5;

struct Privileges {
  bool listed = false;             // something is said about this user
  std::set<std::string> writable;  // tables
};

bool writes(std::string_view privilege) {
  return privilege == "INSERT" || privilege == "UPDATE" || privilege == "DELETE";
}

// What SQLTablePrivileges lists knows no roles: where the server itself answers, it is asked.
Result<Privileges> writable_by(Connection& db, const char* question) {
  Privileges out;
  out.listed = true;
  VMC_TRY(rows, ask(db, question));
  for (const auto& row : rows) out.writable.insert(text_of(row, 0));
  return out;
}

// SQLTablePrivileges: catalogue, schema, table, grantor, grantee, privilege.
Result<Privileges> privileges_of(Connection& db) {
  constexpr std::size_t kSchema = 1, kTable = 2, kGrantee = 4, kPrivilege = 5;
  Privileges out;
  VMC_TRY(statement, Statement::make(db));
  VMC_CHECK(statement.look_up(Statement::Catalogue::privileges, tables_named(db, "%", "%")));
  for (;;) {
    VMC_TRY(more, statement.fetch());
    if (!more) return out;
    std::string cells[kPrivilege + 1];
    for (std::size_t i = 0; i <= kPrivilege; ++i) VMC_CHECK(statement.text(i, cells[i]));
    const auto grantee = lowered(cells[kGrantee]);
    if (grantee != lowered(db.user()) && grantee != "public") continue;
    if (is_system_schema(cells[kSchema])) continue;
    out.listed = true;
    if (writes(cells[kPrivilege]))
      out.writable.insert(cells[kSchema].empty() ? cells[kTable] : cells[kSchema] + "." + cells[kTable]);
  }
}

std::string some(const std::set<std::string>& names) {
  std::string out;
  std::size_t shown = 0;
  for (const auto& name : names)
    if (shown++ < kShown) out += (out.empty() ? "" : ", ") + name;
  return names.size() > kShown ? fmt::format("{} and {} more", out, names.size() - kShown) : out;
}

}  // namespace

Result<RightsReport> rights(Connection& db) {
  VMC_TRY(transaction, Transaction::begin(db, kRightsLimit));
  RightsReport report;
  const auto* question = db.customs().writable;
  const auto found = question ? writable_by(db, question) : privileges_of(db);
  if (!found && found.error().code != Code::database_error) return found.error();
  const auto say = [&](std::string sentence) { report.findings.push_back(std::move(sentence)); };
  if (!found || !found->listed) {
    // What nobody tells counts as weak.
    report.can_write = true;
    say(fmt::format("The ODBC driver does not tell what user '{}' may do: it counts as one that may write.",
                    db.user()));
  } else if (!found->writable.empty()) {
    report.can_write = true;
    say(fmt::format("User '{}' may write {} tables: {}.", db.user(), found->writable.size(),
                    some(found->writable)));
  }
  const auto* read_only = db.customs().read_only;
  say(read_only
          ? fmt::format(
                "Sessions of {} are kept read-only by \"{}\"; ODBC's own access mode is only a hint. Behind "
                "that stand the login's rights.",
                db.product(), read_only)
          : "ODBC has no read-only session that a server must keep: its access mode is only a hint. The "
            "login's own "
            "rights are the wall; give it SELECT and nothing else.");
  if (!db.has_transactions()) say("The driver knows no transactions: a read sees what changes meanwhile.");
  return report;
}

}  // namespace vmc::sources::odbc
