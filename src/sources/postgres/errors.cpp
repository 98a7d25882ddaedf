#include "sources/postgres/errors.hpp"

#include <cctype>
#include <cstdlib>

#include <fmt/format.h>

#include "core/log.hpp"
#include "core/text.hpp"

namespace vmc::sources::postgres {
namespace {

constexpr std::size_t kWordsMax = 500;  // bytes of the server's own

std::string field(const PGresult* result, int which) {
  const char* text = PQresultErrorField(result, which);
  return text ? text : "";
}

bool speaks_of_no_rows(std::string_view state) {
  for (std::string_view prefix : {"08", "28", "3D", "42501", "53", "57"})
    if (state.starts_with(prefix)) return true;
  return false;
}

// The SQLSTATE in "FATAL:  28P01: …", which libpq writes when asked for verbose errors.
std::string state_in(std::string_view text) {
  const auto is_state = [](std::string_view word) {
    if (word.size() != 5) return false;
    for (char c : word)
      if (!std::isdigit(static_cast<unsigned char>(c)) && !std::isupper(static_cast<unsigned char>(c)))
        return false;
    return true;
  };
  for (auto at = text.find(":  "); at != text.npos; at = text.find(":  ", at + 3))
    if (text.substr(at + 3).size() > 5 && text[at + 8] == ':' && is_state(text.substr(at + 3, 5)))
      return std::string{text.substr(at + 3, 5)};
  return {};
}

std::string server(const ServerSettings& settings) {
  return settings.host + ":" + std::to_string(settings.port);
}

}  // namespace

std::string sqlstate_of(const PGresult* result) { return field(result, PG_DIAG_SQLSTATE); }

Error from_state(std::string_view state, const Circumstances& when, std::string_view object) {
  const std::string about = object.empty() ? "" : " (" + std::string{object} + ")";
  const std::string tag = " [SQLSTATE " + std::string{state} + "]";
  const auto made = [&](Code code, std::string_view message, std::string hint = {}) {
    return fail(code, std::string{message} + about + tag, std::move(hint));
  };
  const bool loading = when.access == Access::load;
  if (state == "57014")
    return when.interrupted ? made(Code::cancelled, "the call was cancelled")
                            : made(Code::query_timeout, "the database stopped the call at its time limit");
  if (state == "25P03")
    return made(Code::query_timeout, "the database ended a transaction that was idle too long");
  if (state == "55P03")
    return made(Code::query_timeout, "a lock that another program holds did not become free in time",
                "Try again when that program is done.");
  if (state == "25006")
    return made(Code::write_operation_rejected, "the database refused to write in a read-only session",
                "The table is a view that calls a writing function; share another one.");
  if (state == "42501" && loading)
    return made(Code::write_not_permitted, "the database user may not write here",
                "GRANT INSERT, UPDATE, SELECT (for mode replace DELETE too) on the table, INSERT, UPDATE, SELECT on "
                "vmc_applied in its schema, and TEMPORARY on the database.");
  if (state == "42501")
    return made(Code::schema_access_denied, "the database user may not read this", "GRANT SELECT on it.");
  if (state == "42P01" || state == "42703" || state == "3F000")
    return made(Code::not_found, "a table or column is no longer there", "Discover the schema again.");
  if (state == "42P10")
    return made(Code::invalid_request, "the table has no unique key over the load's key columns",
                "Name the columns of a unique key, or create one.");
  if (state == "23505")
    return made(Code::conflict, "a row with the same key exists already", "Load with mode upsert.");
  if (state == "23502") return made(Code::database_error, "a column that takes no null got one");
  if (state == "23503")
    return made(Code::database_error, "a row refers to one that does not exist, or is referred to");
  if (state == "23514") return made(Code::database_error, "a row fails a check of its table");
  if (state.starts_with("23")) return made(Code::database_error, "a constraint refuses a row");
  if (state.starts_with("22")) return made(Code::database_error, "a value does not fit where it is used");
  if (state.starts_with("28"))
    return made(Code::auth_failed, "the database does not accept the user",
                "Check user and password of the connection.");
  if (state.starts_with("3D")) return made(Code::not_found, "there is no such database on this server");
  if (state.starts_with("53"))
    return made(Code::unavailable, "the database server is out of a resource (connections, memory or disk)");
  if (state.starts_with("08") || state.starts_with("57P"))
    return made(Code::unavailable, "the connection to the database was lost or is being shut down");
  if (state.starts_with("40"))
    return made(Code::database_error, "the database rolled the transaction back to end a conflict");
  return made(Code::database_error, "the database failed the request");
}

// Without the server's hint: it may offer the name of a private column.
Error from_analysis(const PGresult* result, std::string_view state, std::string_view statement) {
  std::string place;
  if (const auto character = std::atoi(field(result, PG_DIAG_STATEMENT_POSITION).c_str()); character > 0) {
    const auto at = place_of(statement, byte_of_character(statement, static_cast<std::size_t>(character) - 1));
    place = fmt::format(", line {}, column {}", at.line, at.column);
  }
  return fail(Code::invalid_request, fmt::format("PostgreSQL does not take the statement{}: {} [SQLSTATE {}]", place,
                                                 field(result, PG_DIAG_MESSAGE_PRIMARY).substr(0, kWordsMax), state));
}

Error from_result(const PGresult* result, const Circumstances& when) {
  const auto state = sqlstate_of(result);
  const auto speaks_of_text = state.starts_with("42") || state.starts_with("22") || state.starts_with("0A");
  if (!when.analysed.empty() && speaks_of_text && state != "42501") return from_analysis(result, state, when.analysed);
  log::debug("postgres", "a statement failed",
             {{"sqlstate", state},
              {"message", speaks_of_no_rows(state) ? field(result, PG_DIAG_MESSAGE_PRIMARY) : "withheld"}});
  // Names of things, never their contents.
  std::string object;
  for (const auto& [code, word] : {std::pair{PG_DIAG_TABLE_NAME, "table "},
                                   {PG_DIAG_COLUMN_NAME, "column "},
                                   {PG_DIAG_CONSTRAINT_NAME, "constraint "}})
    if (const auto name = field(result, code); !name.empty())
      object += (object.empty() ? "" : ", ") + (word + name);
  return from_state(state, when, object);
}

Error from_connect(std::string_view text, const ServerSettings& settings, bool timed_out) {
  const auto has = [&](std::string_view words) { return text.find(words) != text.npos; };
  const auto at = server(settings);
  const auto state = state_in(text);
  log::debug("postgres", "a connection could not be opened",
             {{"server", at}, {"sqlstate", state}, {"libpq", text}});
  if (state == "28P01")
    return fail(Code::auth_failed, at + " does not accept the password of user '" + settings.user + "'",
                "Enter user and password of the connection again.");
  if (state == "28000" && has("pg_hba.conf"))
    return fail(Code::auth_failed,
                at + " lets user '" + settings.user + "' into database '" + settings.database +
                    "' from this machine not at all, or only over TLS",
                "Set sslmode to require; else add a line for this machine to the server's pg_hba.conf.");
  if (state.starts_with("28"))
    return fail(Code::auth_failed, at + " does not accept user '" + settings.user + "'",
                "Check the user of the connection and that it may log in.");
  if (state == "3D000")
    return fail(Code::not_found, at + " has no database '" + settings.database + "'",
                "Check the database's name.");
  if (state == "42501")
    return fail(
        Code::schema_access_denied,
        "user '" + settings.user + "' may not connect to database '" + settings.database + "' on " + at,
        "GRANT CONNECT on the database to the user.");
  if (state == "53300")
    return fail(Code::unavailable, at + " has no connection slot free", "Try again, or lower pool.max.");
  if (!state.empty()) {
    auto error = from_state(state, {});
    error.message = at + ": " + error.message;
    return error;
  }
  if (has("could not translate host name"))
    return fail(Code::unavailable, "the host name '" + settings.host + "' does not resolve",
                "Check the host of the connection and this machine's DNS.");
  if (has("does not support SSL"))
    return fail(Code::unavailable, at + " offers no TLS and sslmode=" + settings.sslmode + " asks for it",
                "Switch TLS on at the server; sslmode=prefer would send rows in the clear.");
  if (has("certificate"))
    return fail(Code::unavailable, "the TLS certificate of " + at + " is not accepted",
                "Check that its authority is known to this machine and that it names this host.");
  if (has("fe_sendauth: no password"))
    return fail(Code::auth_failed, at + " asks for a password and the connection has none",
                "Enter the password of the connection.");
  if (has("Connection refused"))
    return fail(Code::unavailable, "nothing listens at " + at,
                "Check host and port, that the server runs, and its listen_addresses.");
  if (timed_out || has("timeout") || has("timed out"))
    return fail(Code::unavailable, at + " did not answer in time",
                "Check host, port and the firewalls between.");
  return fail(Code::unavailable, at + " cannot be reached", "Check host, port and network.");
}

}  // namespace vmc::sources::postgres
