// guard: judge SQL statements as an agent would, without a database.
#include <iostream>
#include <map>

#include <fmt/format.h>

#include "cli/session.hpp"
#include "core/text.hpp"
#include "sql/guard/guard.hpp"

namespace vmc::cli {
namespace {

constexpr std::size_t kLineBytesMax = 4u << 20;
constexpr std::size_t kSchemaBytesMax = 64u << 20;

struct GuardCheck {
  std::string dialect, schema;
  std::vector<std::string> private_parts, functions;
};

const std::map<std::string, sql::Dialect> kDialects{{"postgres", sql::Dialect::postgres},
                                                    {"mysql", sql::Dialect::mysql},
                                                    {"mssql", sql::Dialect::mssql},
                                                    {"sqlite", sql::Dialect::sqlite}};

std::vector<std::string> names_in(const std::vector<std::string>& lists) {
  std::vector<std::string> names;
  for (const auto& list : lists)
    for (const auto& name : split(list, ','))
      if (!trim(name).empty()) names.emplace_back(trim(name));
  return names;
}

Result<std::unique_ptr<sql::Guard>> guard_for(const GuardCheck& check) {
  const auto dialect = kDialects.at(check.dialect);
  std::optional<data::Schema> schema;
  if (!check.schema.empty()) {
    VMC_TRY(text, read_text_file(check.schema, kSchemaBytesMax));
    VMC_TRY(json, parse_json(text, kSchemaBytesMax));
    VMC_TRY(read, data::schema_from_json(json));
    schema = std::move(read);
  }
  VMC_TRY(hidden, sql::parts_in(names_in(check.private_parts)));
  auto catalogue = sql::Catalogue::make(dialect, schema ? &*schema : nullptr, std::move(hidden), schema ? schema->database : "");
  return sql::make_guard(dialect, {std::move(catalogue), sql::folded_functions(dialect, names_in(check.functions))});
}

Result<std::string> judged(const sql::Guard& guard, const std::string& line, std::size_t number) {
  auto json = parse_json(line, kLineBytesMax);
  const bool usable = json && json->is_object() && json->contains("id") && json->contains("sql") && json->at("sql").is_string();
  if (!usable)
    return fail(Code::invalid_request, fmt::format("line {} of standard input is no {{\"id\": …, \"sql\": \"…\"}}", number));
  const auto& statement = json->at("sql").get_ref<const std::string&>();
  const auto verdict = guard.judge(statement);
  Json out{{"id", json->at("id")}, {"verdict", verdict.accepted() ? "accept" : "reject"}, {"code", ""}, {"reason", ""}};
  if (verdict.refusal) {
    out["code"] = info(verdict.refusal->code).name;
    out["reason"] = sql::describe(*verdict.refusal, statement);
  }
  return to_text(out);
}

Result<int> check_lines(const GuardCheck& check) {
  VMC_TRY(guard, guard_for(check));
  std::ios::sync_with_stdio(false);
  std::size_t number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++number;
    if (trim(line).empty()) continue;
    VMC_TRY(verdict, judged(*guard, line, number));
    std::cout << verdict << '\n';
    if (std::cin.rdbuf()->in_avail() == 0) std::cout.flush();  // who asks one by one waits for the answer
  }
  std::cout.flush();
  return 0;
}

}  // namespace

void add_guard(CLI::App& root, Session& session) {
  auto* noun = add_noun(root, "guard", "The SQL guard: which statements an agent would run");
  auto check = std::make_shared<GuardCheck>();
  auto* verb = add_verb(*noun, session, "check", "Judge statements: NDJSON {\"id\",\"sql\"} in, verdicts out",
                        [check]() -> Result<int> { return check_lines(*check); });
  verb->add_option("--dialect", check->dialect, "postgres, mysql (MariaDB too), mssql or sqlite")
      ->required()
      ->check(CLI::IsMember({"postgres", "mysql", "mssql", "sqlite"}));
  verb->add_option("--schema", check->schema, "what may be reached: a file of 'vmc agent schema export'; none: every table");
  verb->add_option("--private", check->private_parts, "parts kept back: customers.email,salaries.*");
  verb->add_option("--functions", check->functions, "functions of your own that may be called: vat_of,shop.vat_of");
  verb->footer(
      "Each line of the answer has id, verdict (accept or reject), code and reason. The exit code is 0 when every line\n"
      "could be judged, whatever the verdicts. No database is touched.\n\n"
      "Example:\n"
      "  echo '{\"id\": 1, \"sql\": \"SELECT 1; DROP TABLE t\"}' | vmc guard check --dialect postgres");
}

}  // namespace vmc::cli
