#include "agent/approvals.hpp"

#include <fmt/format.h>

#include "core/json.hpp"
#include "core/text.hpp"

namespace vmc::agent {
namespace {

constexpr const char* kColumns =
    "fingerprint, connection, shape, reads, first_seen, last_seen, times, state, decided_at";

Consent consent_named(const std::string& name) {
  if (name == "approved") return Consent::approved;
  return name == "denied" ? Consent::denied : Consent::waiting;
}

Result<KnownShape> shape_in(const store::Row& row) {
  KnownShape known;
  known.shape.fingerprint = row.text(0);
  known.connection = row.text(1);
  known.shape.text = row.text(2);
  VMC_TRY(reads, parse_json(row.text(3), 64u << 20));
  for (const auto& [table, columns] : reads.items())
    for (const auto& column : columns) known.shape.reads[table].insert(column.get<std::string>());
  known.first_seen = row.integer(4);
  known.last_seen = row.integer(5);
  known.times = row.integer(6);
  known.consent = consent_named(row.text(7));
  if (!row.null(8)) known.decided_at = row.integer(8);
  return known;
}

Result<std::vector<KnownShape>> shapes_in(const store::Rows& rows) {
  std::vector<KnownShape> out;
  for (const auto& row : rows) {
    VMC_TRY(known, shape_in(row));
    out.push_back(std::move(known));
  }
  return out;
}

std::optional<Error> wait_for_owner(store::Tx& tx, const std::string& connection, const sql::Shape& shape, Micros now) {
  const auto reads = to_text(Json(shape.reads));
  const auto bytes = static_cast<std::int64_t>(shape.text.size() + reads.size());
  if (shape.text.size() > kShapeBytesMax)
    return fail(Code::approval_denied, "the statement is too long to be approved by its owner",
                "Split it, or use a view.");
  const auto held = tx.one(
      "SELECT COUNT(*), COALESCE(SUM(bytes), 0) FROM approvals WHERE connection = :connection AND "
      "state = 'waiting'",
      {{"connection", connection}});
  if (held->integer(0) >= kWaitingShapesMax || held->integer(1) + bytes > kWaitingBytesMax)
    return fail(
        Code::approval_denied,
        fmt::format("{} statements of connection '{}' wait for its owner already, and there is no room for more",
                    held->integer(0), connection),
        "Its owner decides on them: vmc agent approvals list.");
  tx.exec(
      "INSERT INTO approvals (fingerprint, connection, shape, reads, bytes, first_seen, last_seen, times, state) "
      "VALUES (:fingerprint, :connection, :shape, :reads, :bytes, :now, :now, 1, 'waiting')",
      {{"fingerprint", shape.fingerprint},
       {"connection", connection},
       {"shape", shape.text},
       {"reads", reads},
       {"bytes", bytes},
       {"now", now}});
  return std::nullopt;
}

bool is_beginning(std::string_view id) {
  return id.size() >= kFingerprintDigitsMin && id.size() <= 64 &&
         id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<KnownShape> named(store::Tx& tx, const std::string& id) {
  if (!is_beginning(id))
    return fail(
        Code::invalid_request,
        fmt::format("'{}' is no id of a statement: they have {} to 64 hexadecimal digits", id, kFingerprintDigitsMin));
  const auto rows =
      tx.query(fmt::format("SELECT {} FROM approvals WHERE substr(fingerprint, 1, :digits) = :id LIMIT 2", kColumns),
               {{"digits", static_cast<std::int64_t>(id.size())}, {"id", id}});
  if (rows.empty())
    return fail(Code::not_found, fmt::format("no statement has the id '{}'", id),
                "List them with 'vmc agent approvals list --all'.");
  if (rows.size() > 1)
    return fail(Code::conflict, fmt::format("more than one statement has an id that begins with '{}'", id),
                "Give more of its digits; 'vmc agent approvals list --json' has all of them.");
  return shape_in(rows.front());
}

}  // namespace

std::string_view to_string(Consent consent) {
  switch (consent) {
    case Consent::waiting:
      return "waiting";
    case Consent::approved:
      return "approved";
    case Consent::denied:
      return "denied";
  }
  return "";
}

std::optional<Error> ask_consent(store::Tx& tx, const std::string& connection, const sql::Shape& shape, Micros now) {
  const auto id = shape.fingerprint.substr(0, KnownShape::kIdDigits);
  const auto row = tx.one(
      "UPDATE approvals SET last_seen = :now, times = times + 1 WHERE fingerprint = :fingerprint "
      "RETURNING state",
      {{"now", now}, {"fingerprint", shape.fingerprint}});
  const auto consent = row ? consent_named(row->text(0)) : Consent::waiting;
  if (consent == Consent::approved) return std::nullopt;
  if (consent == Consent::denied)
    return fail(Code::approval_denied,
                fmt::format("the owner of connection '{}' has denied this statement ({})", connection, id),
                fmt::format("Its owner can change that on the agent: vmc agent approvals approve {}", id));
  if (!row)
    if (auto full = wait_for_owner(tx, connection, shape, now)) return full;
  return fail(
      Code::approval_denied,
      fmt::format("this statement is new to connection '{}' and waits for its owner's yes ({})", connection, id),
      fmt::format("Ask its owner to run on the agent: vmc agent approvals approve {}", id));
}

Result<std::vector<KnownShape>> known_shapes(store::Tx& tx, const std::string& connection, bool decided) {
  return shapes_in(
      tx.query(fmt::format("SELECT {} FROM approvals WHERE (:connection = '' OR connection = :connection) AND "
                           "(:decided = 1 OR state = 'waiting') ORDER BY last_seen DESC, fingerprint",
                           kColumns),
               {{"connection", connection}, {"decided", std::int64_t{decided ? 1 : 0}}}));
}

Result<std::vector<KnownShape>> decide(store::Tx& tx, const std::vector<std::string>& ids, bool yes, Micros now) {
  std::vector<KnownShape> decided;
  for (const auto& id : ids) {
    VMC_TRY(known, named(tx, id));
    known.consent = yes ? Consent::approved : Consent::denied;
    known.decided_at = now;
    tx.exec("UPDATE approvals SET state = :state, decided_at = :now WHERE fingerprint = :fingerprint",
            {{"state", std::string{to_string(known.consent)}}, {"now", now}, {"fingerprint", known.shape.fingerprint}});
    decided.push_back(std::move(known));
  }
  return decided;
}

}  // namespace vmc::agent
