#include "sources/mssql/errors.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "core/log.hpp"

namespace vmc::sources::mssql {
namespace {

constexpr std::size_t kWordsMax = 500;  // bytes of the server's own

bool one_of(int number, std::initializer_list<int> numbers) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

// Found while a statement is compiled: they speak of its text and of names, as no row has been read.
bool speaks_of_text(int number) {
  return one_of(number, {102,  103,  104,  105,   107,   110,   113,   116,   120,  125,  130,  137,  141,  145,  147,
                         148,  155,  156,  157,   164,   165,   169,   170,   174,  177,  178,  189,  191,  195,  201,
                         205,  206,  207,  208,   209,   214,   243,   257,   258,  260,  306,  310,  319,  321,  336,
                         343,  402,  403,  404,   408,   412,   421,   443,   446,  447,  448,  449,  451,  457,  468,
                         487,  529,  1001, 1008,  1011,  1013,  1031,  1033,  1035, 1038, 1046, 1060, 2715, 4104, 4121,
                         4145, 4408, 4413, 8116,  8117,  8120,  8121,  8124,  8127, 8133, 8155, 8156, 8158, 8159, 8163,
                         8178, 8621, 8623, 10710, 10711, 10725, 10742, 10759, 40000});
}

bool speaks_of_no_rows(int number) {
  return one_of(number, {18452, 18456, 18470, 18486, 18487, 18488, 4060, 4064, 916, 229, 230, 262, 297, 300, 701, 802,
                         1105, 9002});
}

std::string server(const ServerSettings& settings) { return fmt::format("{}:{}", settings.host, settings.port); }

}  // namespace

Error from_number(const Said& said, const Circumstances& when) {
  const int number = said.number;
  if (when.written_by_hand && speaks_of_text(number))
    return fail(Code::invalid_request, fmt::format("SQL Server does not take the statement, line {}: {} [error {}]",
                                                   said.line, said.text.substr(0, kWordsMax), number));
  log::debug("mssql", "a statement failed",
             {{"error", std::to_string(number)}, {"message", speaks_of_no_rows(number) ? said.text : "withheld"}});
  const auto made = [&](Code code, std::string_view message, std::string hint = {}) {
    return fail(code, fmt::format("{} [error {}]", message, number), std::move(hint));
  };
  const bool loading = when.access == Access::load;
  switch (number) {
    case 1222:
      return made(Code::query_timeout, "a lock that another program holds did not become free in time",
                  "Try again when that program is done.");
    case 229:
    case 230:
    case 262:
    case 1088:
      if (loading)
        return made(Code::write_not_permitted, "the database user may not write here",
                    "GRANT SELECT, INSERT, UPDATE on the table and on vmc_applied in its schema.");
      return made(Code::schema_access_denied, "the database user may not read this", "GRANT SELECT on it.");
    case 3906:
      return made(Code::write_operation_rejected, "the database is read-only");
    case 207:
    case 208:
    case 2812:
      return made(Code::not_found, "a table or column is no longer there", "Discover the schema again.");
    case 2601:
    case 2627:
      return made(Code::conflict, "a row with the same key exists already", "Load with mode upsert.");
    case 515:
      return made(Code::database_error, "a column that takes no null got one");
    case 547:
      return made(Code::database_error, "a row fails a check of its table, or a reference to or from another");
    case 2628:
    case 8152:
      return made(Code::database_error, "a text or binary value is longer than its column");
    case 220:
    case 232:
    case 8115:
      return made(Code::database_error, "a number is larger than its column's type");
    case 241:
    case 242:
    case 245:
    case 8023:
    case 8114:
    case 8169:
      return made(Code::database_error, "a value does not fit where it is used");
    case 3952:
      return made(Code::database_error, "a view reaches a database that allows no snapshots",
                  "ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON there too, or OFF here.");
    case 1205:
    case 3960:
      return made(Code::database_error, "the database rolled the transaction back to end a conflict");
    case 18456:
      return made(Code::auth_failed, "the database does not accept the user",
                  "Check user and password of the connection.");
    case 701:
    case 802:
    case 1105:
    case 9002:
    case 10928:
    case 10929:
      return made(Code::unavailable, "the database server is out of a resource (connections, memory or disk)");
    default:
      return made(Code::database_error, "the database failed the request");
  }
}

Error from_open(const Said& said, const ServerSettings& settings) {
  const auto at = server(settings);
  log::debug("mssql", "a connection could not be opened",
             {{"server", at}, {"error", std::to_string(said.number)}, {"library", said.client_text}});
  const auto has = [&](std::string_view words) { return said.client_text.find(words) != std::string::npos; };
  switch (said.number) {
    case 0:
      break;
    case 4060:
    case 4064:
      return fail(
          Code::not_found,
          fmt::format("{} has no database '{}', or user '{}' may not open it", at, settings.database, settings.user),
          "Check the database's name, and that the login has a user in it: CREATE USER … FOR LOGIN …");
    case 916:
      return fail(Code::schema_access_denied,
                  fmt::format("user '{}' may not use database '{}' on {}", settings.user, settings.database, at),
                  "Give the login a user in the database: CREATE USER … FOR LOGIN …");
    case 18456:
      return fail(Code::auth_failed, fmt::format("{} does not accept user '{}' with this password", at, settings.user),
                  "Enter user and password of the connection again; the server must allow SQL Server authentication.");
    case 18452:
      return fail(Code::auth_failed, fmt::format("{} takes no logins by password from this machine", at),
                  "Allow SQL Server and Windows authentication mode at the server.");
    case 18470:
    case 18486:
    case 18487:
    case 18488:
      return fail(
          Code::auth_failed,
          fmt::format("the login '{}' on {} is disabled, locked, or its password must be changed", settings.user, at),
          "Unlock the login or set its password, then enter it again.");
    case 10928:
    case 10929:
    case 17809:
      return fail(Code::unavailable, at + " has no connection free", "Try again, or lower pool.max.");
    default: {
      auto error = from_number(said, {});
      error.message = at + ": " + error.message;
      return error;
    }
  }
  if (said.client == SYBEUHST)
    return fail(Code::unavailable, fmt::format("the host name '{}' does not resolve", settings.host),
                "Check the host of the connection and this machine's DNS.");
  if (said.client == SYBECONN && said.os_error == ECONNREFUSED)
    return fail(Code::unavailable, "nothing listens at " + at,
                "Check host and port, that the server runs, and that TCP/IP is enabled for it.");
  if (said.client == SYBETIME || said.os_error == ETIMEDOUT)
    return fail(Code::unavailable, at + " did not answer in time", "Check host, port and the firewalls between.");
  const bool wants_tls = settings.sslmode == "require" || settings.sslmode.starts_with("verify-");
  if (has("TLS") || has("SSL") || has("ncrypt") || has("ertificate") || (wants_tls && said.client != SYBECONN))
    return fail(Code::unavailable,
                fmt::format("{} and this machine do not agree on TLS (sslmode={})", at, settings.sslmode),
                "Check that the server offers TLS and, for verify-ca and verify-full, that its certificate's authority "
                "is known "
                "to this machine and that it names this host.");
  return fail(Code::unavailable, at + " cannot be reached", "Check host, port and network.");
}

}  // namespace vmc::sources::mssql
