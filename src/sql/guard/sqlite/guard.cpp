// SQLite's statements are judged three times: by a reader of our own, which is strict and finds what the compiler would
// not tell (functions that grow without bound, private columns behind NATURAL and USING, other dialects' habits); by
// SQLite's compiler over the schema; and, where something is private, by the same compiler over the schema without it.
#include <algorithm>
#include <mutex>

#include "sql/guard/readers.hpp"
#include "sql/guard/sqlite/compiler.hpp"
#include "sql/guard/sqlite/expansion.hpp"
#include "sql/guard/sqlite/lexer.hpp"
#include "sql/guard/sqlite/parser.hpp"
#include "sql/guard/sqlite/survey.hpp"

namespace vmc::sql {
namespace sqlite {
namespace {

class SqliteGuard final : public Guard {
 public:
  explicit SqliteGuard(GuardSettings settings) : settings_{std::move(settings)} {}

  Result<void> make_compilers() {
    VMC_CHECK(add(compilers_, false));
    if (catalogue().closed()) VMC_CHECK(add(full_text_compilers_, true));
    return {};
  }

  Verdict judge(std::string_view text) const override {
    Verdict verdict;
    const auto lexed = lex(text);
    verdict.refusal = lexed.refusal;
    if (verdict.refusal) return verdict;
    const auto statement = Parser{lexed.tokens, library(), settings_}.parse();
    verdict.refusal = statement.refusal;
    if (!verdict.refusal) verdict.refusal = check_size(statement);
    if (!verdict.refusal) verdict = survey(statement, catalogue(), library());
    if (!verdict.refusal && !statement.pragma) verdict.refusal = compile(text, statement);
    verdict.begin = statement.begin;
    verdict.length = statement.length;
    verdict.is_query = !statement.pragma;
    return verdict;
  }

 private:
  using Compilers = std::vector<std::unique_ptr<Compiler>>;

  const Catalogue& catalogue() const { return settings_.catalogue; }
  const Library& library() const { return compilers_.front()->library(); }

  Result<void> add(Compilers& compilers, bool full_text) {
    for (const bool private_parts : {true, false}) {
      if (!private_parts && !(catalogue().closed() && catalogue().has_private())) continue;
      VMC_TRY(made, Compiler::make(catalogue(), settings_.functions, {private_parts, full_text}));
      compilers.push_back(std::move(made));
    }
    return {};
  }

  static std::optional<Refusal> check_size(const Statement& statement) {
    if (is_compilable(statement.query)) return std::nullopt;
    return Refusal{Layer::syntax, Code::write_operation_rejected, statement.begin,
                   "SQLite would copy its subqueries and columns into each other until it is too large to compile",
                   "Use fewer of them within each other, and each less often."};
  }

  std::optional<Refusal> compile(std::string_view text, const Statement& statement) const {
    std::string compiled{text.substr(statement.begin, statement.length)};
    for (const auto& hint : statement.hints) compiled.replace(hint.at - statement.begin, hint.length, hint.length, ' ');
    const std::lock_guard lock{mutex_};
    auto refusal = check(compilers_, compiled);
    // Only then: where many tables have a "rank", which one is meant would not be sure.
    if (refusal && catalogue().closed() && !check(full_text_compilers_, compiled)) return std::nullopt;
    if (refusal) refusal->at += statement.begin;
    return refusal;
  }

  static std::optional<Refusal> check(const Compilers& compilers, std::string_view text) {
    for (const auto& compiler : compilers)
      if (auto refusal = compiler->check(text)) return refusal;
    return std::nullopt;
  }

  GuardSettings settings_;
  mutable std::mutex mutex_;  // a compiler is for one thread at a time
  // Over the schema and, where something is private, over what is left without it.
  Compilers compilers_, full_text_compilers_;
};

// Its rows would be taken for those of SQLite's own table.
bool hides_private_parts(const Catalogue& catalogue) {
  return std::any_of(catalogue.tables().begin(), catalogue.tables().end(), [](const auto& entry) {
    return is_touchy(entry.second) && find_system_table(entry.first);
  });
}

}  // namespace
}  // namespace sqlite

Result<std::unique_ptr<Guard>> make_sqlite_guard(GuardSettings settings) {
  if (sqlite::hides_private_parts(settings.catalogue))
    return fail(Code::invalid_request, "a table with private parts has the name of one of SQLite's own");
  auto guard = std::make_unique<sqlite::SqliteGuard>(std::move(settings));
  VMC_CHECK(guard->make_compilers());
  return std::unique_ptr<Guard>{std::move(guard)};
}

}  // namespace vmc::sql
