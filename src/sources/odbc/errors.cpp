#include "sources/odbc/errors.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "core/log.hpp"
#include "core/text.hpp"
#include "sources/odbc/wide.hpp"

namespace vmc::sources::odbc {
namespace {

bool one_of(std::string_view state, std::initializer_list<std::string_view> states) {
  return std::find(states.begin(), states.end(), state) != states.end();
}

constexpr SQLSMALLINT kComplaintsMax = 8;
constexpr int kMssqlNoDatabase = 4060;

enum class Why { driver, login, locked, database, name, refused, silent, tls, busy, file, privilege };

// What the drivers' own words and numbers mean: states alone do not tell, several drivers have one for
// everything.
struct Clue {
  std::string_view words;  // in lower case
  Why why;
};

constexpr Clue kClues[] = {
    {"can't open lib", Why::driver},
    {"data source name not found", Why::driver},
    {"password authentication failed", Why::login},
    {"to database '", Why::privilege},
    {"cannot open database", Why::database},
    {"access denied for user", Why::login},
    {"login failed", Why::login},
    {"authentication failed", Why::login},
    {"ora-01017", Why::login},
    {"ora-28000", Why::locked},
    {"ora-28001", Why::locked},
    {"no pg_hba.conf entry", Why::login},
    {"unknown database", Why::database},
    {"ora-12514", Why::database},
    {"ora-12505", Why::database},
    {"could not translate host name", Why::name},
    {"unknown server host", Why::name},
    {"unknown host", Why::name},
    {"cannot resolve host", Why::name},
    {"ora-12154", Why::name},
    {"ora-12545", Why::name},
    {"connection refused", Why::refused},
    {"can't connect to server", Why::refused},
    {"server is unavailable or does not exist", Why::refused},
    {"ora-12541", Why::refused},
    {"timeout expired", Why::silent},
    {"timed out", Why::silent},
    {"timeout", Why::silent},
    {"ora-12170", Why::silent},
    {"reading initial communication packet", Why::silent},
    {"ssl", Why::tls},
    {"tls", Why::tls},
    {"certificate", Why::tls},
    {"too many connections", Why::busy},
    {"too many clients", Why::busy},
    {"remaining connection slots", Why::busy},
    {"[sqlite]connect failed", Why::file},
    {"permission denied for database", Why::privilege},
};

std::optional<Why> reason_of(const Said& said) {
  if (said.state == "28000") return Why::login;
  if (said.state == "3D000") return Why::database;
  if (one_of(said.state, {"HYT00", "HYT01", "S1T00"})) return Why::silent;
  if (one_of(said.state, {"IM002", "IM003"})) return Why::driver;
  return std::nullopt;
}

struct Reason {
  std::optional<Why> why;
  const Said* said;  // the complaint that tells it
};

// The clues stand in the order in which they tell most, whichever complaint holds them.
Reason reason_of(const std::vector<Said>& complaints) {
  std::vector<std::string> texts;
  for (const auto& said : complaints) texts.push_back(lowered(said.text));
  const auto found = [&](const auto& test) -> const Said* {
    const auto text = std::find_if(texts.begin(), texts.end(), test);
    return text == texts.end() ? nullptr : &complaints[static_cast<std::size_t>(text - texts.begin())];
  };
  const auto absent = [](const std::string& words) {
    return words.find("database \"") != words.npos && words.find("does not exist") != words.npos;
  };
  if (const auto* said = found(absent)) return {Why::database, said};
  for (const auto& clue : kClues) {
    const auto holds = [&](const std::string& words) { return words.find(clue.words) != words.npos; };
    if (const auto* said = found(holds)) return {clue.why, said};
  }
  for (const auto& said : complaints)
    if (const auto why = reason_of(said)) return {why, &said};
  return {std::nullopt, &complaints.front()};
}

std::string place(const OdbcSettings& settings) {
  if (!settings.host.empty())
    return settings.port == 0 ? settings.host : fmt::format("{}:{}", settings.host, settings.port);
  return settings.dsn.empty() ? "the database" : fmt::format("data source '{}'", settings.dsn);
}

std::optional<Said> said(SQLSMALLINT kind, SQLHANDLE handle, SQLSMALLINT number) {
  Said out;
  std::array<SQLWCHAR, 6> state{};
  std::array<SQLWCHAR, 512> text{};
  SQLINTEGER native = 0;
  SQLSMALLINT length = 0;
  const auto outcome =
      driver_manager().SQLGetDiagRecW(kind, handle, number, state.data(), &native, text.data(),
                                      static_cast<SQLSMALLINT>(text.size()), &length);
  if (!SQL_SUCCEEDED(outcome)) return std::nullopt;
  out.state = narrowed({state.data(), 5});
  out.native = native;
  out.text = narrowed({text.data(), std::clamp<std::size_t>(length < 0 ? 0 : length, 0, text.size() - 1)});
  return out;
}

// MySQL 1062, SQL Server 2601 and 2627, Oracle 1, HANA 301, SQLite's words.
bool is_same_key(const Said& said) {
  if (said.state == "23505" || said.text.find("UNIQUE constraint failed") != said.text.npos) return true;
  return said.state == "23000" && one_of(std::to_string(said.native), {"1062", "2601", "2627", "1", "301"});
}

}  // namespace

Said said(SQLSMALLINT kind, SQLHANDLE handle) { return said(kind, handle, 1).value_or(Said{}); }

std::vector<Said> all_said(SQLSMALLINT kind, SQLHANDLE handle) {
  std::vector<Said> out;
  for (SQLSMALLINT number = 1; number <= kComplaintsMax; ++number) {
    auto one = said(kind, handle, number);
    if (!one) break;
    out.push_back(std::move(*one));
  }
  if (out.empty()) out.emplace_back();
  return out;
}

bool was_stopped(const Said& said) {
  if (one_of(said.state, {"57014", "HYT00", "S1T00", "HY008", "HY018"})) return true;
  // MySQL 1317 and 3024, MariaDB 1969, Oracle 1013, SQLite's interrupt.
  return one_of(std::to_string(said.native), {"1317", "3024", "1969", "1013"}) ||
         said.text.ends_with("interrupted (9)");
}

bool is_silent(const Said& said) {
  return said.state.starts_with("01") || (said.native == 0 && (said.state.empty() || said.state == "HY000"));
}

bool is_lost(const Said& said) {
  return said.state.starts_with("08") || said.state == "HYT01" ||
         one_of(said.state, {"57P01", "57P02", "57P03"}) ||
         one_of(std::to_string(said.native), {"2006", "2013", "3113", "3114", "3135"});
}

Error connection_lost(const Said& said) {
  return fail(
      Code::unavailable,
      fmt::format("the connection to the database was lost [SQLSTATE {}, {}]", said.state, said.native),
      "Check the network and the server, and try again.");
}

Error from_state(const Said& said, Access access) {
  log::debug("odbc", "a statement failed",
             {{"state", said.state}, {"native", std::to_string(said.native)}, {"message", "withheld"}});
  const auto made = [&](Code code, std::string_view message, std::string hint = {}) {
    return fail(code, fmt::format("{} [SQLSTATE {}, {}]", message, said.state, said.native), std::move(hint));
  };
  const auto& state = said.state;
  const auto native = std::to_string(said.native);
  if (is_lost(said)) return connection_lost(said);
  if (state == "25006" || state == "25S03" || said.text.ends_with("readonly database (8)"))
    return made(Code::write_operation_rejected, "the session is read-only");
  if (one_of(state, {"42S02", "42S22", "S0002", "S0022", "42P01", "42703"}) || one_of(native, {"942", "904"}))
    return made(Code::not_found, "a table or column is no longer there", "Discover the schema again.");
  if (native == "544" && access == Access::load)
    return made(Code::invalid_request, "the database counts a column of this table itself",
                "Leave it out, or load through a connection of type mssql.");
  if (state == "42501" || one_of(native, {"1044", "1142", "1143", "1031", "229", "230", "258", "262", "2760"})) {
    if (access == Access::load)
      return made(Code::write_not_permitted, "the database user may not write this",
                  "GRANT SELECT, INSERT, UPDATE on it.");
    return made(Code::schema_access_denied, "the database user may not read this", "GRANT SELECT on it.");
  }
  if (is_same_key(said)) return made(Code::conflict, "a row with the same key exists already", "Load with mode upsert.");
  if (state.starts_with("23") || said.text.find("constraint failed") != said.text.npos)
    return made(Code::database_error, "a constraint of the table refuses a row");
  if (state.starts_with("28"))
    return made(Code::auth_failed, "the database does not accept the user",
                "Check user and password of the connection.");
  if (state.starts_with("22")) return made(Code::database_error, "a value does not fit where it is used");
  if (state.starts_with("40"))
    return made(Code::database_error, "the database rolled the transaction back to end a conflict");
  if (state == "55P03" || one_of(native, {"1205", "1222"}))  // PostgreSQL, MySQL, SQL Server
    return made(Code::query_timeout, "a lock that another program holds did not become free in time",
                "Try again when that program is done.");
  if (state.starts_with("53") || state == "HY001" || state == "HY014")
    return made(Code::unavailable, "the database server is out of a resource (connections, memory or disk)");
  if (state == "IM001" || state.starts_with("HYC"))
    return made(Code::database_error, "the ODBC driver lacks a function that this needs",
                "Try a newer driver.");
  return made(Code::database_error, "the database failed the request");
}

Error from_open(const std::vector<Said>& complaints, const OdbcSettings& settings) {
  const auto at = place(settings);
  for (const auto& one : complaints)
    log::debug(
        "odbc", "a connection could not be opened",
        {{"at", at}, {"state", one.state}, {"native", std::to_string(one.native)}, {"message", one.text}});
  const auto [why, told] = reason_of(complaints);
  const auto made = [&, told = told](Code code, const std::string& message, std::string hint) {
    return fail(code, fmt::format("{} [SQLSTATE {}, {}]", message, told->state, told->native),
                std::move(hint));
  };
  if (!why)
    return made(
        Code::unavailable, at + " cannot be reached",
        "Check the connection's settings with the driver's own tool; the agent's debug log has its words.");
  switch (*why) {
    case Why::driver:
      if (settings.dsn.empty())
        return made(Code::unavailable, fmt::format("the ODBC driver '{}' cannot be loaded", settings.driver),
                    "Install it, and name it as 'odbcinst -q -d' lists it, or by the path of its library.");
      return made(
          Code::not_found,
          fmt::format("there is no ODBC data source '{}', or its driver cannot be loaded", settings.dsn),
          "Data sources stand in /etc/odbc.ini and the user's .odbc.ini: 'odbcinst -q -s' lists them.");
    case Why::login:
      return made(Code::auth_failed,
                  fmt::format("{} does not accept user '{}' with this password", at, settings.user),
                  "Enter user and password of the connection again; the server must allow this machine.");
    case Why::locked:
      return made(Code::auth_failed,
                  fmt::format("user '{}' is locked, or its password has expired", settings.user),
                  "Unlock it or set its password, then enter it again.");
    case Why::database:
      if (told->native == kMssqlNoDatabase)
        return made(Code::not_found,
                    fmt::format("{} has no database '{}', or user '{}' may not open it", at,
                                settings.database, settings.user),
                    "Check the database's name, and that the login has a user in it.");
      return made(Code::not_found, fmt::format("{} has no database '{}'", at, settings.database),
                  "Check the database's name.");
    case Why::name:
      return made(Code::unavailable, fmt::format("the host name '{}' does not resolve", settings.host),
                  "Check the host of the connection and this machine's DNS.");
    case Why::refused:
      return made(Code::unavailable, "nothing listens at " + at,
                  "Check host and port, and that the server runs.");
    case Why::silent:
      return made(Code::unavailable, at + " did not answer in time",
                  "Check host, port and the firewalls between.");
    case Why::tls:
      return made(Code::unavailable, at + " and the driver do not agree on TLS",
                  "Check what the driver's options ask for, that the server offers it, and its certificate.");
    case Why::busy:
      return made(Code::unavailable, at + " has no connection free", "Try again, or lower pool.max.");
    case Why::file:
      return made(Code::unavailable,
                  fmt::format("the database file '{}' cannot be opened", settings.database),
                  "Check its path and permissions.");
    case Why::privilege:
      return made(Code::schema_access_denied,
                  fmt::format("user '{}' may not open database '{}'", settings.user, settings.database),
                  "GRANT CONNECT on it.");
  }
  return made(Code::unavailable, at + " cannot be reached", "");
}

}  // namespace vmc::sources::odbc
