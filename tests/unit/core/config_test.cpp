#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "core/config.hpp"
#include "support/show_result.hpp"

using namespace vmc;
using namespace std::chrono_literals;
using config::Document;

namespace {

std::vector<std::string> texts(Document& document) {
  std::vector<std::string> out;
  for (const auto& complaint : document.finish()) out.push_back(complaint.text());
  return out;
}

// A folder that is gone when the test ends.
struct Folder {
  std::filesystem::path path;
  Folder() {
    char name[] = "/tmp/vmc-config-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path / name).parent_path());
    std::ofstream{path / name} << text;
    return path / name;
  }
};

}  // namespace

TEST_CASE("every kind of value is read as it is written") {
  auto document = *Document::parse(R"(
[agent]
name = "erp"
workers = 5
ratio = 0.5
whole_ratio = 1
update = true
heartbeat = "30s"
queue = "500MB"
api_key = "keyring:vmc/apikey"
private = ["a.b", "c"]
mode = "fast"
pool = { min = 2 }
)",
                                   "agent.toml");

  auto agent = document.root().table("agent");
  CHECK(agent.required_str("name") == "erp");
  CHECK(agent.integer("workers", 1, 1, 10) == 5);
  CHECK(agent.number("ratio", 0, 0, 1) == 0.5);
  CHECK(agent.number("whole_ratio", 0, 0, 1) == 1);
  CHECK(agent.boolean("update", false));
  CHECK(agent.duration("heartbeat", 1s) == 30s);
  CHECK(agent.size("queue", 1) == 500'000'000u);
  CHECK(agent.secret("api_key").scheme == "keyring");
  CHECK(agent.secret("api_key").rest == "vmc/apikey");
  CHECK(agent.strings("private") == std::vector<std::string>{"a.b", "c"});
  CHECK(agent.choice("mode", "slow", {"slow", "fast"}) == "fast");
  CHECK(agent.table("pool").integer("min", 1, 0, 9) == 2);
  CHECK(texts(document).empty());
}

TEST_CASE("what is absent has its default and is no complaint") {
  auto document = *Document::parse("", "empty.toml");
  auto root = document.root();
  CHECK(root.str("a", "x") == "x");
  CHECK(root.integer("b", 3, 0, 9) == 3);
  CHECK(root.duration("c", 5s) == 5s);
  CHECK(root.size("d", 7) == 7u);
  CHECK(root.secret("e").empty());
  CHECK(root.strings("f").empty());
  CHECK(root.choice("g", "y", {"y", "z"}) == "y");
  CHECK(root.table("h").table("i").boolean("j", true));
  CHECK(root.tables("k").empty());
  CHECK(root.named_tables("l").empty());
  CHECK_FALSE(root.has("m"));
  CHECK(texts(document).empty());
}

TEST_CASE("all complaints come at once, in the order of the file, with line and key") {
  auto document = *Document::parse(R"([agent]
name = 5
workers = 50
heartbeat = 30
queue = "5"
api_key = "hunter2"
private = "a"
mode = "sideways"
ratio = nan
update = "yes"
date = 2024-01-01
)",
                                   "agent.toml");

  auto agent = document.root().table("agent");
  agent.str("date");
  agent.boolean("update", false);
  agent.number("ratio", 0, 0, 1);
  agent.choice("mode", "slow", {"slow", "fast"});
  agent.strings("private");
  agent.secret("api_key");
  agent.size("queue", 1);
  agent.duration("heartbeat", 1s);
  agent.integer("workers", 1, 1, 10);
  agent.required_str("name");
  agent.required_str("cloud_url");
  const auto found = texts(document);

  REQUIRE(found.size() == 11);
  CHECK(found[0] == "agent.toml:1: 'agent.cloud_url' is missing");
  CHECK(found[1] == "agent.toml:2: 'agent.name' must be a string");
  CHECK(found[2] == "agent.toml:3: 'agent.workers' must be a whole number from 1 to 10");
  CHECK(found[3].find("agent.toml:4: 'agent.heartbeat' must be a duration with a unit") == 0);
  CHECK(found[4].find("agent.toml:5: 'agent.queue' must be a size with a unit") == 0);
  CHECK(found[5].find("agent.toml:6: 'agent.api_key' must be a reference") == 0);
  CHECK(found[6] == "agent.toml:7: 'agent.private' must be a list of strings");
  CHECK(found[7] == "agent.toml:8: 'agent.mode' must be one of slow, fast");
  CHECK(found[8] == "agent.toml:9: 'agent.ratio' must be a number from 0 to 1");
  CHECK(found[9] == "agent.toml:10: 'agent.update' must be true or false");
  CHECK(found[10] == "agent.toml:11: 'agent.date' must be a string");
  for (const auto& text : found) CHECK(text.find("hunter2") == std::string::npos);
}

TEST_CASE("a key nobody reads is refused with its line and the nearest known name") {
  auto document = *Document::parse(
      "[agent]\nhartbeat = \"30s\"\nzzz = 1\n[agnet]\nx = 1\n[[list]]\nid = 1\nidd = 2\n", "a.toml");
  auto agent = document.root().table("agent");
  agent.duration("heartbeat", 1s);
  for (auto& item : document.root().tables("list")) item.integer("id", 0, 0, 9);

  const std::vector<std::string> expected{
      "a.toml:2: 'agent.hartbeat' is not known here; did you mean 'heartbeat'?",
      "a.toml:3: 'agent.zzz' is not known here",
      "a.toml:4: 'agnet' is not known here; did you mean 'agent'?",
      "a.toml:8: 'list.idd' is not known here; did you mean 'id'?",
  };
  CHECK(texts(document) == expected);
  CHECK(texts(document) == expected);  // asking twice changes nothing
}

TEST_CASE("tables that repeat and tables with names are read in the order of the file") {
  auto document = *Document::parse(R"(
[[connections]]
id = "b"
[[connections]]
id = "a"
[tiers.pro]
workers = 5
[tiers.free]
workers = 1
[tiers]
oops = 1
)",
                                   "gateway.toml");
  auto root = document.root();

  auto connections = root.tables("connections");
  REQUIRE(connections.size() == 2);
  CHECK(connections[0].str("id") == "b");
  CHECK(connections[1].str("id") == "a");
  auto tiers = root.named_tables("tiers");
  REQUIRE(tiers.size() == 2);
  CHECK(tiers[0].first == "pro");
  CHECK(tiers[0].second.integer("workers", 0, 0, 9) == 5);
  CHECK(tiers[1].second.integer("workers", 0, 0, 9) == 1);
  connections[1].complain("id", "stands here twice");
  CHECK(texts(document) == std::vector<std::string>{"gateway.toml:5: 'connections.id' stands here twice",
                                                    "gateway.toml:11: 'tiers.oops' must be a table"});
}

TEST_CASE("a value where a table belongs is one complaint, not two") {
  auto document = *Document::parse("agent = 5\n[pool]\nmin = 1\n[[x]]\ny = 1\n", "a.toml");
  document.root().table("agent").str("name");
  document.root().str("pool");
  document.root().table("x");
  CHECK(texts(document) == std::vector<std::string>{"a.toml:1: 'agent' must be a table",
                                                    "a.toml:2: 'pool' must be a string",
                                                    "a.toml:4: 'x' must be a table"});
}

TEST_CASE("environment values are put into strings after parsing, so they cannot become syntax") {
  setenv("VMC_TEST_VALUE", "x\"\nevil = 1 #", 1);
  unsetenv("VMC_TEST_UNSET");
  auto document = *Document::parse(R"(a = "<${VMC_TEST_VALUE}>"
b = "$${VMC_TEST_VALUE} $5"
c = ["${VMC_TEST_VALUE}", "y"]
d = "${VMC_TEST_UNSET}"
e = "${not closed"
f = "${}"
)",
                                   "a.toml");
  auto root = document.root();

  CHECK(root.str("a") == "<x\"\nevil = 1 #>");
  CHECK(root.str("b") == "${VMC_TEST_VALUE} $5");
  CHECK(root.strings("c").at(0) == "x\"\nevil = 1 #");
  for (const auto* key : {"d", "e", "f"}) root.str(key);
  CHECK(texts(document) ==
        std::vector<std::string>{"a.toml:4: 'd' uses ${VMC_TEST_UNSET}, which is not set in the environment",
                                 "a.toml:5: 'e' has a '${' without a variable name and '}'",
                                 "a.toml:6: 'f' has a '${' without a variable name and '}'"});
}

TEST_CASE("text that is not TOML is refused with file and line") {
  const auto document = Document::parse("a = 1\nb = \n", "bad.toml");
  REQUIRE_FALSE(document);
  CHECK(document.error().code == Code::invalid_request);
  CHECK(document.error().message.find("bad.toml:2: ") == 0);
  CHECK_FALSE(Document::parse("a = 1\na = 2\n", "twice.toml"));
  CHECK_FALSE(Document::parse("a = \"\xff\"\n", "bytes.toml"));
  CHECK_FALSE(Document::parse("a = " + std::string(100'000, '['), "deep.toml"));
}

TEST_CASE("conf.d is merged in name order: tables join, lists of tables append, later values win") {
  Folder folder;
  const auto file =
      folder.write("agent.toml", "[agent]\nname = \"a\"\nlevel = \"info\"\n[[connections]]\nid = \"one\"\n");
  folder.write("conf.d/20.toml", "[agent]\nlevel = \"debug\"\n");
  folder.write("conf.d/10.toml",
               "[agent]\nlevel = \"warn\"\nextra = \"e\"\n[[connections]]\nid = \"two\"\nwrong = 1\n");
  folder.write("conf.d/ignored.txt", "not toml at all");
  auto document = *Document::load(file);

  auto agent = document.root().table("agent");
  CHECK(agent.str("name") == "a");
  CHECK(agent.str("level") == "debug");
  CHECK(agent.str("extra") == "e");
  auto connections = document.root().tables("connections");
  REQUIRE(connections.size() == 2);
  CHECK(connections[0].str("id") == "one");
  CHECK(connections[1].str("id") == "two");
  CHECK(texts(document) == std::vector<std::string>{(folder.path / "conf.d/10.toml").string() +
                                                    ":6: 'connections.wrong' is not known here"});
}

TEST_CASE("a table in one file and a value in another is a complaint that names both") {
  Folder folder;
  const auto file = folder.write("a.toml", "[agent]\nname = \"a\"\n");
  folder.write("conf.d/b.toml", "\nagent = 5\n");
  auto document = *Document::load(file);
  document.root().table("agent").str("name");
  const auto found = texts(document);
  REQUIRE(found.size() == 1);
  CHECK(found[0] == (folder.path / "conf.d/b.toml").string() +
                        ":2: 'agent' is a table in one file and a value in another (see " + file.string() +
                        ":1)");
}

TEST_CASE("all files that cannot be used are named at once") {
  Folder folder;
  folder.write("conf.d/a.toml", "x = ");
  folder.write("conf.d/b.toml", std::string((1 << 20) + 1, '#'));
  const auto document = Document::load(folder.path / "missing.toml");
  REQUIRE_FALSE(document);
  CHECK(document.error().message.find("missing.toml: cannot be read") != std::string::npos);
  CHECK(document.error().message.find("a.toml:1: ") != std::string::npos);
  CHECK(document.error().message.find("b.toml: is larger than 1 MiB") != std::string::npos);
}
