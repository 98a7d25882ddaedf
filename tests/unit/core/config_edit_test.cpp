#include "core/config_edit.hpp"

#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "core/config.hpp"
#include "support/show_result.hpp"
#include "support/temp_dir.hpp"

using namespace vmc;
using namespace vmc::test;

namespace {

const std::string kText = R"(# Ours
[[connections]]
id = "crm"   # ünchanged
queries = "select"

[[connections]]
type = "sqlite"
id = "erp" # Größe
private = [
  "employees.salary",  # never
  "audit_*",
]
file = "/x"
)";

config::Change change(std::string_view id, std::string_view key, std::string value) {
  return {"connections", id, key, std::move(value)};
}

std::string must(Result<std::string> text) {
  if (!text) FAIL(text.error().text());
  return *text;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

std::string read(const std::filesystem::path& file) {
  std::stringstream text;
  text << std::ifstream{file}.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("one value is changed or added, and nothing else of the file") {
  CHECK(must(config::with_change(kText, change("crm", "queries", "\"intents\""))) ==
        with(kText, "\"select\"", "\"intents\""));
  CHECK(must(config::with_change(kText, change("erp", "queries", "\"approved\""))) ==
        with(kText, "# Größe\n", "# Größe\nqueries = \"approved\"\n"));
  const auto list = must(config::with_change(kText, change("erp", "private", "[\"a\"]")));
  CHECK(list == kText.substr(0, kText.find("[\n  \"emp")) + "[\"a\"]" + kText.substr(kText.find("\nfile =")));
  const std::string unended = "[[connections]]\nid = 'x'";
  CHECK(must(config::with_change(unended, change("x", "queries", "\"intents\""))) ==
        unended + "\nqueries = \"intents\"\n");
}

TEST_CASE("an entry that is not there, or is written in one line, is not changed") {
  CHECK(config::with_change(kText, change("shop", "queries", "\"select\"")).error().code == Code::not_found);
  CHECK(config::with_change("connections = [{id = \"x\", queries = \"select\"}]", change("x", "queries", "\"intents\""))
            .error()
            .code == Code::conflict);
  CHECK(config::with_change("not toml", change("x", "queries", "\"intents\"")).error().code == Code::conflict);
}

TEST_CASE("a quoted text reads as itself") {
  const std::string odd = "a\"b\\c\n${HOME} \x7f ü";
  auto document = config::Document::parse("text = " + config::quoted(odd), "t.toml");
  REQUIRE(document);
  auto root = document->root();
  CHECK(root.str("text") == odd);
  CHECK(document->finish().empty());
}

TEST_CASE("the file that has the entry is replaced at once, with its permissions") {
  TempDir folder;
  const auto main = folder.path() / "agent.toml", extra = folder.path() / "conf.d" / "erp.toml";
  std::filesystem::create_directories(extra.parent_path());
  std::ofstream{main} << "[agent]\nname = \"x\"\n";
  std::ofstream{extra} << kText;
  chmod(extra.c_str(), 0640);
  auto changed = config::change_file(main, change("erp", "queries", "\"intents\""));
  REQUIRE(changed);
  CHECK(*changed == extra);
  CHECK(read(extra).find("queries = \"intents\"\nprivate") != std::string::npos);
  CHECK((std::filesystem::status(extra).permissions() & std::filesystem::perms::mask) == std::filesystem::perms{0640});
  CHECK_FALSE(std::filesystem::exists(extra.string() + ".new"));
  CHECK(config::change_file(main, change("shop", "queries", "\"intents\"")).error().code == Code::not_found);
}
