#include "sources/odbc/connection_string.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "core/text.hpp"
#include "data/text_rules.hpp"
#include "sources/odbc/wide.hpp"

namespace vmc::sources::odbc {
namespace {

bool one_of(std::string_view key, std::initializer_list<std::string_view> keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

bool names_a_secret(std::string_view key) {
  for (std::string_view part : {"pwd", "passw", "secret", "token", "passphrase"})
    if (key.find(part) != key.npos) return true;
  return false;
}

// The key of the next "key=value" and what is left; a value in braces may hold semicolons.
struct Option {
  std::string key;
  std::string_view rest;
};

Result<Option> next_option(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == text.npos || text.substr(0, equals).find(';') != std::string_view::npos)
    return fail(Code::invalid_request,
                "the options of the connection are not of the form key=value;key=value");
  Option out{lowered(trim(text.substr(0, equals))), {}};
  auto value = text.substr(equals + 1);
  std::size_t end = 0;
  if (value.starts_with('{')) {
    end = 1;
    while (end < value.size() && (value[end] != '}' || (end + 1 < value.size() && value[end + 1] == '}')))
      end += value[end] == '}' ? 2 : 1;
    if (end >= value.size()) return fail(Code::invalid_request, "a brace in the options is not closed");
  }
  end = std::min(value.find(';', end), value.size());
  out.rest = value.substr(std::min(end + 1, value.size()));
  return out;
}

bool is_plain(std::string_view text) {
  return data::is_valid_utf8(text) &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

// A value with characters that mean something to the driver manager stands in braces.
bool needs_braces(std::string_view value) { return value.find_first_of("[]{}(),;?*=!@ ") != value.npos; }

class Writer {
 public:
  Writer(std::size_t units, bool doubles_braces)
      : out_{(units + 1) * sizeof(SQLWCHAR)}, doubles_braces_{doubles_braces} {}
  void text(std::string_view utf8) {
    widen(utf8, [this](SQLWCHAR unit) {
      std::memcpy(out_.data() + at_, &unit, sizeof unit);
      at_ += sizeof unit;
    });
  }
  void pair(std::string_view key, std::string_view value) {
    text(key), text("=");
    const bool braces = needs_braces(value);
    if (braces) text("{");
    for (auto close = value.find('}'); braces && doubles_braces_ && close != value.npos;
         close = value.find('}')) {
      text(value.substr(0, close)), text("}}");
      value.remove_prefix(close + 1);
    }
    text(value);
    if (braces) text("}");
    text(";");
  }
  crypto::Secret finish() {
    return std::move(out_);
  }  // the terminator is there: secret memory begins as zeros

 private:
  crypto::Secret out_;
  std::size_t at_ = 0;
  bool doubles_braces_;
};

bool holds(std::string_view options, std::string_view key) {
  while (!trim(options).empty()) {
    const auto option = next_option(options);
    if (!option) return false;
    if (option->key == key) return true;
    options = option->rest;
  }
  return false;
}

// Of a driver's needs what the owner has not said: some drivers take the first of two words, others the last.
std::string unsaid(std::string_view needs, std::string_view options) {
  std::string out;
  while (!needs.empty()) {
    const auto option = next_option(needs);
    if (!option) break;
    if (!holds(options, option->key)) {
      out += needs.substr(0, needs.size() - option->rest.size());
      if (!out.ends_with(';')) out += ';';
    }
    needs = option->rest;
  }
  return out;
}

void where(const OdbcSettings& settings, Writer& out) {
  const auto at = fmt::format("{}:{}", settings.host, settings.port);
  if (settings.kind == "oracle") {
    if (!settings.host.empty()) out.pair("DBQ", fmt::format("//{}/{}", at, settings.database));
    return;
  }
  if (settings.kind == "hana") {
    if (!settings.host.empty()) out.pair("ServerNode", at);
    if (!settings.database.empty()) out.pair("DatabaseName", settings.database);
    return;
  }
  if (!settings.host.empty()) out.pair("Server", settings.host);
  if (settings.port != 0) out.pair("Port", std::to_string(settings.port));
  if (!settings.database.empty()) out.pair("Database", settings.database);
}

}  // namespace

Result<void> check_options(std::string_view options) {
  if (!is_plain(options))
    return fail(Code::invalid_request, "the options of the connection hold control characters");
  while (!trim(options).empty()) {
    VMC_TRY(option, next_option(options));
    if (names_a_secret(option.key))
      return fail(Code::invalid_request, fmt::format("the option '{}' holds a password", option.key),
                  "The password belongs in the vault: vmc agent db add … --password-stdin");
    if (one_of(option.key, {"driver", "dsn", "uid", "user", "username"}))
      return fail(Code::invalid_request,
                  fmt::format("'{}' is a setting of its own, not one of the options", option.key));
    if (one_of(option.key, {"filedsn", "savefile"}))
      return fail(Code::invalid_request,
                  fmt::format("the option '{}' keeps connections in a file", option.key));
    options = option.rest;
  }
  return {};
}

Result<void> check(const OdbcSettings& settings) {
  if (settings.dsn.empty() == settings.driver.empty())
    return fail(Code::invalid_request, "an ODBC connection needs one of dsn and driver");
  for (const auto* text :
       {&settings.dsn, &settings.driver, &settings.host, &settings.database, &settings.user})
    if (!is_plain(*text))
      return fail(Code::invalid_request, "a setting of the connection holds control characters");
  return check_options(settings.options);
}

Result<crypto::Secret> connection_string(const OdbcSettings& settings, std::string_view password,
                                         const DriverNeeds& driver) {
  if (!driver.doubles_braces)
    for (const auto value : {std::string_view{settings.driver}, std::string_view{settings.host},
                             std::string_view{settings.database}, std::string_view{settings.user}, password})
      if (value.find("};") != value.npos)
        return fail(Code::invalid_request,
                    "this ODBC driver takes no name and no password with '};' in it: it would end there",
                    "Choose another one.");
  const auto needs = unsaid(driver.options, settings.options);
  // Twice what everything takes, for doubled braces.
  Writer out{
      2 * (settings.dsn.size() + settings.driver.size() + settings.host.size() + settings.database.size() +
           settings.user.size() + settings.options.size() + password.size() + needs.size()) +
          256,
      driver.doubles_braces};
  if (settings.dsn.empty())
    out.pair("Driver", settings.driver);
  else
    out.pair("DSN", settings.dsn);
  where(settings, out);
  if (!settings.user.empty()) out.pair("UID", settings.user);
  if (!password.empty()) out.pair("PWD", password);
  for (const auto more : {std::string_view{settings.options}, std::string_view{needs}}) {
    if (trim(more).empty()) continue;
    out.text(more);
    if (!more.ends_with(';')) out.text(";");
  }
  return out.finish();
}

}  // namespace vmc::sources::odbc
