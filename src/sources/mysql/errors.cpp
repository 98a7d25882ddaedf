#include "sources/mysql/errors.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include "core/log.hpp"

namespace vmc::sources::mysql {
namespace {

constexpr std::size_t kWordsMax = 500;  // bytes of the server's own

bool in(unsigned number, std::initializer_list<unsigned> numbers) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

bool speaks_of_no_rows(unsigned number) {
  return number >= 2000 ? number < 3000 : in(number, {1040, 1044, 1045, 1049, 1129, 1130, 1142, 1143, 1227, 1698});
}

// A mistake in the text itself: syntax, names, the shape of an expression.
bool speaks_of_text(const Failure& failure) {
  return failure.state.starts_with("42") || failure.state.starts_with("0A") || failure.state.starts_with("21") ||
         in(failure.number, {1235, 1267, 1270, 1271, 1295, 1111, 1210});
}

bool is_denied(unsigned number) { return in(number, {1044, 1045, 1142, 1143, 1227, 1370, 1410}); }

struct Told {
  Code code;
  std::string message;
  const char* hint = "";
};

// The column named at the very end of the server's words, "… for column `shop`.`orders`.`note` at row 3"; what stands
// before that may be a value.
std::string in_column(std::string_view words) {
  constexpr std::string_view kBefore = " for column ", kBehind = " at row ";
  const auto from = words.rfind(kBefore), to = words.rfind(kBehind);
  if (from == words.npos || to == words.npos || to <= from + kBefore.size()) return {};
  const auto row = words.substr(to + kBehind.size());
  if (row.empty() || row.find_first_not_of("0123456789") != row.npos) return {};
  auto name = words.substr(from + kBefore.size(), to - from - kBefore.size());
  const char quote = name.back();
  if (quote != '\'' && quote != '`') return {};
  name.remove_suffix(1);
  return ", in column '" + std::string{name.substr(name.rfind(quote) + 1)} + "'";
}

Told denied(Access access) {
  if (access == Access::load)
    return {
        Code::write_not_permitted, "the database user may not write here",
        "GRANT INSERT, UPDATE, SELECT on the table and on vmc_applied beside it, and CREATE TEMPORARY TABLES on the "
        "database."};
  return {Code::schema_access_denied, "the database user may not read this", "GRANT SELECT on it."};
}

Told told(const Failure& failure, const Circumstances& when) {
  const auto number = failure.number;
  if (number == error::interrupted && when.interrupted) return {Code::cancelled, "the call was cancelled"};
  if (in(number, {error::interrupted, error::statement_timeout, error::execution_timeout, 1028}))
    return {Code::query_timeout, "the database stopped the call at its time limit"};
  if (is_denied(number)) return denied(when.access);
  if (in(number, {1205, 3572}))
    return {Code::query_timeout, "a lock that another program holds did not become free in time",
            "Try again when that program is done."};
  if (in(number, {1792, 1290, 1836}))
    return {Code::write_operation_rejected, "the database refused to write in a read-only session",
            "The table is a view that calls a writing function; share another one."};
  if (in(number, {1146, 1054, 1051, 1109, 1356}))
    return {Code::not_found, "a table or column is no longer there", "Discover the schema again."};
  if (in(number, {1062, 1586, 1022}))
    return {Code::conflict, "a row with the same key exists already", "Load with mode upsert."};
  if (in(number, {1048, 1364})) return {Code::database_error, "a column that takes no null got one"};
  if (in(number, {1216, 1217, 1451, 1452}))
    return {Code::database_error, "a row refers to one that does not exist, or is referred to"};
  if (in(number, {3819, 4025})) return {Code::database_error, "a row fails a check of its table"};
  if (in(number, {1406, 1264, 1265, 1292, 1366, 1411, 1367}))
    return {Code::database_error, "a value does not fit where it is used" + in_column(failure.words)};
  if (in(number, {1040, 1041, 1021, 1114, 1135, 1203, 1226, 1037, 1038}))
    return {Code::unavailable, "the database server is out of a resource (connections, memory or disk)"};
  if (in(number, {1053, 1152, 1153, 1158, 1159, 1160, 1161, 1927, 1077, 1079}) || is_lost(number))
    return {Code::unavailable, "the connection to the database was lost or is being shut down"};
  if (in(number, {1213, 1020}))
    return {Code::database_error, "the database rolled the transaction back to end a conflict"};
  if (in(number, {1665}))
    return {Code::database_error, "the server writes its binary log as statements, which this load cannot be",
            "Set binlog_format to MIXED or ROW on the server."};
  if (failure.state.starts_with("23")) return {Code::database_error, "a constraint refuses a row"};
  if (failure.state.starts_with("22")) return {Code::database_error, "a value does not fit where it is used"};
  return {Code::database_error, "the database failed the request"};
}

std::string server(const ServerSettings& settings) { return fmt::format("{}:{}", settings.host, settings.port); }

// What the server answered to the login.
std::optional<Error> refused_by_server(unsigned number, std::string_view words, const ServerSettings& settings) {
  const auto at = server(settings);
  const auto& user = settings.user;
  if (in(number, {1045, 1698}) && words.find("using password: NO") != words.npos)
    return fail(Code::auth_failed,
                fmt::format("{} asks user '{}' for a password and the connection has none", at, user),
                "Enter the password of the connection.");
  if (in(number, {1045, 1698}))
    return fail(Code::auth_failed,
                fmt::format("{} does not accept user '{}' with this password from this machine", at, user),
                "Enter user and password of the connection again; the user must exist for this machine's address "
                "(user@host), and may be one that has to use TLS (sslmode=require).");
  if (number == 1044)
    return fail(Code::schema_access_denied,
                fmt::format("user '{}' may not use database '{}' on {}", user, settings.database, at),
                "GRANT SELECT on the database to the user; or the database's name is wrong.");
  if (number == 1049)
    return fail(Code::not_found, fmt::format("{} has no database '{}'", at, settings.database),
                "Check the database's name.");
  if (in(number, {1040, 1203, 1226}))
    return fail(Code::unavailable, at + " has no connection slot free", "Try again, or lower pool.max.");
  if (in(number, {1129, 1130}))
    return fail(Code::auth_failed, at + " does not let this machine connect",
                "Create the user for this machine's address (user@host); after many failures: FLUSH HOSTS.");
  if (in(number, {1820, 1862}))
    return fail(Code::auth_failed, fmt::format("the password of user '{}' has expired", user),
                "Set a new one at the server and enter it here.");
  if (in(number, {3118, 4151}))
    return fail(Code::auth_failed, fmt::format("user '{}' is locked at {}", user, at), "ALTER USER … UNLOCK.");
  if (in(number, {1251, 2058, 2059, 2061}))
    return fail(Code::auth_failed,
                fmt::format("{} asks user '{}' for a way to log in that is not offered here", at, user),
                "Give the user a password with mysql_native_password, ed25519 or caching_sha2_password (over TLS).");
  if (number == 3159)
    return fail(Code::unavailable, at + " takes connections over TLS only", "Set sslmode to require.");
  return std::nullopt;
}

Error not_reached(const Failure& failure, const ServerSettings& settings) {
  const auto at = server(settings);
  const auto has = [&](std::string_view words) { return failure.words.find(words) != std::string::npos; };
  if (failure.number == 2005 || has("Unknown server host") || has("Unknown MySQL server host"))
    return fail(Code::unavailable, fmt::format("the host name '{}' does not resolve", settings.host),
                "Check the host of the connection and this machine's DNS.");
  if (failure.no_tls || (failure.number == 2026 && has("does not support")))
    return fail(Code::unavailable, fmt::format("{} offers no TLS and sslmode={} asks for it", at, settings.sslmode),
                "Switch TLS on at the server; sslmode=prefer would send rows in the clear.");
  if (failure.number == 2026)
    return fail(Code::unavailable, fmt::format("the TLS certificate of {} is not accepted, or TLS failed", at),
                "Check that its authority is known to this machine and that it names this host.");
  if (failure.system == ECONNREFUSED)
    return fail(Code::unavailable, "nothing listens at " + at,
                "Check host and port, that the server runs, and its bind-address.");
  if (failure.timed_out)
    return fail(Code::unavailable, at + " did not answer in time", "Check host, port and the firewalls between.");
  if (in(failure.number, {2013, 2012, 2007}))
    return fail(Code::unavailable, at + " does not speak the protocol of MySQL, or closed the connection",
                "Check host and port.");
  return fail(Code::unavailable, at + " cannot be reached", "Check host, port and network.");
}

}  // namespace

bool is_lost(unsigned number) { return in(number, {2002, 2003, 2006, 2013, 2014, 2027, 2055, 1053, 1927, 4031}); }

Error from_failure(const Failure& failure, const Circumstances& when) {
  if (!when.analysed.empty() && speaks_of_text(failure) && !is_denied(failure.number))
    return fail(Code::invalid_request, fmt::format("the database does not take the statement: {} [SQLSTATE {}]",
                                                   failure.words.substr(0, kWordsMax), failure.state));
  log::debug("mysql", "a statement failed",
             {{"error", failure.number}, {"message", speaks_of_no_rows(failure.number) ? failure.words : "withheld"}});
  const auto what = told(failure, when);
  return fail(what.code, fmt::format("{} [error {}, SQLSTATE {}]", what.message, failure.number, failure.state),
              what.hint);
}

Error from_connect(const Failure& failure, const ServerSettings& settings) {
  log::debug("mysql", "a connection could not be opened",
             {{"server", server(settings)}, {"error", failure.number}, {"library", failure.words}});
  if (auto refused = refused_by_server(failure.number, failure.words, settings)) return *refused;
  if (failure.number >= 1000 && failure.number < 2000) {
    auto error = from_failure(failure, {});
    error.message = server(settings) + ": " + error.message;
    return error;
  }
  return not_reached(failure, settings);
}

}  // namespace vmc::sources::mysql
