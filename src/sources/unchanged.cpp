#include "sources/unchanged.hpp"

#include <fmt/format.h>

#include "crypto/hash.hpp"

namespace vmc::sources {
namespace {

Error changed(std::string what) {
  return fail(Code::schema_access_denied, std::move(what),
              "Its owner looks at it and approves it anew: vmc agent schema publish.");
}

}  // namespace

Result<void> check_ignores_case(std::optional<bool>& known, const std::function<Result<bool>()>& ask) {
  if (!known) {
    VMC_TRY(answer, ask());
    known = answer;
  }
  if (*known) return {};
  return changed("the database tells capitals in names apart, and did not when its schema was approved");
}

std::string print_of(std::string_view definition) {
  return definition.empty() ? std::string{} : to_hex(crypto::sha256(as_bytes(definition)));
}

void set_prints(data::Schema& schema, const std::map<std::string, std::string>& definitions) {
  for (auto& table : schema.tables) {
    const auto found = definitions.find(table.name);
    if (table.view && found != definitions.end()) table.definition = print_of(found->second);
  }
}

Result<void> check_relation(const data::TableInfo& approved, const std::optional<LiveRelation>& live) {
  if (!live) return {};
  if (!approved.view) {
    if (live->table) return {};
    return changed(fmt::format("'{}' was approved as a table and is none any more", approved.name));
  }
  const bool same = approved.definition.empty() ? approved.reads.contains("*")
                                                : !live->table && live->definition == approved.definition;
  if (same) return {};
  return changed(fmt::format("view '{}' has another definition now than the approved one", approved.name));
}

}  // namespace vmc::sources
