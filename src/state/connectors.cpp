#include "state/connectors.hpp"

#include <fmt/format.h>

#include "core/text.hpp"
#include "state/detail.hpp"

namespace vmc::state {
namespace {

constexpr std::string_view kColumns =
    "c.connector_id, c.name, c.installation_id, c.key_id, c.agent_version, c.public_key, c.epoch, "
    "c.connected_at, "
    "c.seen_at";
constexpr std::size_t kInstallationMax = 128;
constexpr std::size_t kPublicKeySize = 32;
constexpr std::size_t kNamesShown = 10;

Connector connector_from(const store::Row& row) {
  Connector c;
  c.connector_id = row.text(0);
  c.name = row.text(1);
  c.installation_id = detail::text_or_empty(row, 2);
  c.key_id = detail::text_or_empty(row, 3);
  c.agent_version = detail::text_or_empty(row, 4);
  if (!row.null(5)) c.public_key = row.bytes(5);
  c.epoch = row.integer(6);
  c.connected_at = row.integer_or_null(7);
  c.seen_at = row.integer_or_null(8);
  return c;
}

std::optional<Connector> select_connector(store::Tx& tx, std::string_view condition, std::string_view value) {
  const auto sql =
      fmt::format("SELECT {} FROM connectors c WHERE c.tenant = :tenant AND {}", kColumns, condition);
  const auto row = tx.one(sql, {{"value", value}});
  if (!row) return std::nullopt;
  return connector_from(*row);
}

Error no_connector_named(store::Tx& tx, std::string_view name) {
  std::vector<std::string> names;
  for (const auto& c :
       tx.query("SELECT name FROM connectors WHERE tenant = :tenant ORDER BY name LIMIT :most",
                {{"most", kListMax}})) {
    names.push_back(c.text(0));
  }
  std::string hint;
  if (const auto near = nearest(name, names)) {
    hint = fmt::format("Did you mean \"{}\"?", *near);
  } else if (names.empty()) {
    hint = "There are no connectors yet: create a key for one.";
  } else {
    if (names.size() > kNamesShown) names.resize(kNamesShown);
    hint = fmt::format("There are: {}.", join(names, ", "));
  }
  return fail(Code::not_found,
              fmt::format("there is no connector \"{}\"", detail::clipped(name, kConnectorNameMax)),
              std::move(hint));
}

// Is this somebody else than the device that enrolled?
bool is_duplicate(const Connector& c, const Login& login, Micros now) {
  if (c.public_key.empty()) return false;
  const bool same_installation = c.installation_id == login.installation_id;
  if (!login.public_key.empty()) return !same_installation || c.public_key != login.public_key;
  return !same_installation && is_online(c, now, login.presence_timeout);
}

Result<void> check_login(const Login& login) {
  if (login.installation_id.empty() || login.installation_id.size() > kInstallationMax ||
      !is_utf8(login.installation_id)) {
    return fail(Code::invalid_request, "installationId is 1 to 128 bytes");
  }
  if (!login.public_key.empty() && login.public_key.size() != kPublicKeySize)
    return fail(Code::invalid_request, "publicKey is 32 bytes");
  return {};
}

}  // namespace

bool is_connector_name(std::string_view name) {
  return detail::is_plain_line(name, kConnectorNameMax) && name != "cloud" && name != "mini";
}

Result<Connector> find_connector(store::Tx& tx, std::string_view connector_id) {
  auto c = select_connector(tx, "c.connector_id = :value", connector_id);
  if (!c) return fail(Code::not_found, "there is no such connector");
  return std::move(*c);
}

Result<Connector> find_connector_named(store::Tx& tx, std::string_view name) {
  auto c = select_connector(tx, "c.name = :value", name);
  if (!c) return no_connector_named(tx, name);
  return std::move(*c);
}

Result<Connector> find_connector_by_key(store::Tx& tx, std::string_view key_id) {
  auto c = select_connector(tx,
                            "c.connector_id = (SELECT k.connector_id FROM api_keys k WHERE k.tenant = "
                            ":tenant AND k.key_id = :value)",
                            key_id);
  if (!c) return fail(Code::not_found, "there is no connector with this key");
  return std::move(*c);
}

Result<std::vector<Connector>> list_connectors(store::Tx& tx) {
  std::vector<Connector> list;
  const auto sql = fmt::format(
      "SELECT {} FROM connectors c WHERE c.tenant = :tenant ORDER BY c.name LIMIT :most", kColumns);
  for (const auto& row : tx.query(sql, {{"most", kListMax}})) list.push_back(connector_from(row));
  return list;
}

Result<LoginOutcome> login(store::Tx& tx, const Login& login, Micros now) {
  VMC_CHECK(check_login(login));
  VMC_TRY(c, find_connector(tx, login.connector_id));
  if (c.public_key.empty() && login.public_key.empty())
    return fail(Code::auth_failed, "no device is enrolled for this connector", "Enrol it with its API key.");
  if (is_duplicate(c, login, now)) {
    const auto said = detail::is_plain_line(login.name, kConnectorNameMax)
                          ? fmt::format(" (it calls itself \"{}\")", login.name)
                          : std::string{};
    VMC_CHECK(add_notice(
        tx, info(Code::duplicate_connection).name,
        fmt::format("Another installation{} tried to connect as \"{}\" and was refused.", said, c.name),
        now));
    return LoginOutcome{0, c.name, true};
  }
  const auto row = tx.one(
      "UPDATE connectors SET epoch = epoch + 1, connected_at = :now, seen_at = :now, installation_id = "
      ":installation, "
      "key_id = :key, agent_version = :version, public_key = :public_key "
      "WHERE tenant = :tenant AND connector_id = :connector AND epoch = :epoch RETURNING epoch",
      {{"connector", login.connector_id},
       {"epoch", c.epoch},
       {"now", now},
       {"installation", login.installation_id},
       {"key", login.key_id},
       {"version", detail::clipped(login.agent_version, 64)},
       {"public_key", login.public_key.empty() ? c.public_key : login.public_key}});
  if (!row) return fail(Code::unavailable, "two logins of this connector met; try again");
  return LoginOutcome{row->integer(0), c.name, false};
}

Result<void> mark_seen(store::Tx& tx, std::string_view connector_id, std::int64_t epoch, Micros now) {
  const auto seen = tx.exec(
      "UPDATE connectors SET seen_at = :now WHERE tenant = :tenant AND connector_id = :connector AND epoch = "
      ":epoch",
      {{"connector", connector_id}, {"epoch", epoch}, {"now", now}});
  if (seen == 0)
    return fail(Code::conflict, "this session was replaced by a newer one, or its key was revoked");
  return {};
}

Result<void> mark_gone(store::Tx& tx, std::string_view connector_id, std::int64_t epoch) {
  tx.exec(
      "UPDATE connectors SET connected_at = NULL "
      "WHERE tenant = :tenant AND connector_id = :connector AND epoch = :epoch",
      {{"connector", connector_id}, {"epoch", epoch}});
  return {};
}

bool is_online(const Connector& connector, Micros now, Duration presence_timeout) {
  return connector.connected_at && connector.seen_at && now - *connector.seen_at <= micros(presence_timeout);
}

}  // namespace vmc::state
