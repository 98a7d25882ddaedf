// The audit log: what runs stands in it, what stands in it stays, and a change is seen.
#include <catch2/catch.hpp>

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include <fmt/format.h>

#include "agent/audit_log.hpp"
#include "support/json_schema.hpp"
#include "support/show_result.hpp"
#include "support/temp_dir.hpp"

using namespace vmc;
using namespace vmc::agent;
using test::TempDir;
namespace fs = std::filesystem;

namespace {

const Bytes kKey(32, 7);
const std::string kShape(64, 'f');
constexpr std::uint64_t kBig = 8u << 20, kSmall = 96u << 10;

struct Site {
  TempDir temp;
  fs::path folder = temp.path() / "audit";
  ManualClock clock;
  AuditHead known;
  std::unique_ptr<AuditLog> log;

  std::uint64_t file_bytes = kBig;

  explicit Site(std::uint64_t bytes = kBig) : file_bytes{bytes} { reopen(); }
  AuditSettings settings() {
    const auto keep = [this](const AuditHead& head) -> Result<void> {
      known = head;
      return {};
    };
    return {folder, crypto::Secret{ByteView{kKey}}, known, keep, file_bytes};
  }
  void reopen() {
    log.reset();
    auto opened = AuditLog::open(settings(), clock);
    if (!opened) FAIL(opened.error().text());
    log = std::move(*opened);
  }
  void run(const std::string& id) {
    auto started = log->start(command(id));
    if (!started) FAIL(started.error().text());
    log->end({command(id), "DONE", 2, 21});
  }
  static AuditedCommand command(const std::string& id) {
    return {id, "exe_1", "Orders", "query", "erp", kShape, {{"customers", {"id", "name"}}}, {}};
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const auto& file : files()) {
      auto read = each_audit_line(file, [&](std::string_view line) {
        out.emplace_back(line);
        return true;
      });
      if (!read) FAIL(read.error().text());
    }
    return out;
  }
  std::vector<Json> records() const {
    std::vector<Json> out;
    for (const auto& line : lines())
      if (auto read = read_audit_line(line)) out.push_back(std::move(read->record));
    return out;
  }
  std::vector<std::string> faults() const {
    auto check = check_audit(folder, kKey, known);
    if (!check) FAIL(check.error().text());
    return check->faults;
  }
  std::vector<fs::path> files() const {
    auto found = audit_files(folder);
    if (!found) FAIL(found.error().text());
    return *found;
  }
  fs::path newest() const { return files().back(); }
  void write_file(const std::vector<std::string>& all) const {
    fs::permissions(newest(), fs::perms::owner_write, fs::perm_options::add);
    std::ofstream out{newest(), std::ios::trunc};
    for (const auto& line : all) out << line << '\n';
  }
};

std::string events(const std::vector<Json>& records) {
  std::string out;
  for (const auto& record : records) out += record.at("event").get<std::string>() + ' ';
  return out;
}

}  // namespace

TEST_CASE("audit: a command's start and end, and a refusal, are records that follow each other") {
  Site site;
  site.run("cmd_1");
  site.log->end({Site::command("cmd_2"), "SCHEMA_ACCESS_DENIED", 0, 0});
  const auto records = site.records();
  CHECK(events(records) == "opened start end refused ");
  CHECK(records[1].at("reads") == Json{{"customers", {"id", "name"}}});
  CHECK(records[1].at("fingerprint") == kShape);
  CHECK(records[2].at("rows") == 2);
  CHECK(records[2].at("bytes") == 21);
  CHECK(records[3].at("outcome") == "SCHEMA_ACCESS_DENIED");
  CHECK(records[3].at("fingerprint") == kShape);
  CHECK(records[3].at("execution") == "exe_1");
  CHECK(site.faults().empty());
  site.reopen();
  site.run("cmd_3");
  CHECK(events(site.records()) == "opened start end refused opened start end ");
  CHECK(site.faults().empty());
  CHECK(site.files().size() == 1);
}

TEST_CASE("audit: each change of what was written is seen") {
  Site site;
  for (const char* id : {"cmd_1", "cmd_2", "cmd_3"}) site.run(id);
  site.reopen();
  const auto before = site.lines();
  REQUIRE(before.size() == 8);
  REQUIRE(site.faults().empty());
  auto lines = before;
  SECTION("every single byte") {
    for (std::size_t at = 0; at < before[3].size(); ++at) {
      lines = before;
      lines[3][at] = static_cast<char>(lines[3][at] ^ 1);
      if (lines[3][at] == '\n') continue;
      site.write_file(lines);
      INFO(lines[3]);
      CHECK_FALSE(site.faults().empty());
    }
  }
  SECTION("a record taken away") { lines.erase(lines.begin() + 2); }
  SECTION("two records changed over") { std::swap(lines[2], lines[3]); }
  SECTION("a record twice") { lines.insert(lines.begin() + 3, lines[2]); }
  SECTION("the newest records taken away") { lines.resize(4); }
  SECTION("all of them taken away") { lines.clear(); }
  SECTION("a record made with another key") {
    const Bytes other(32, 8);
    const auto last = crypto::sha256(as_bytes(lines.back()));
    lines.push_back(audit_line(start_record(Site::command("cmd_9")), 9, 0, last, other));
  }
  SECTION("what is no record") { lines.insert(lines.begin() + 1, "hello"); }
  if (lines == before) return;  // "every single byte" looks itself
  site.write_file(lines);
  CHECK_FALSE(site.faults().empty());
  // Nor does it heal by going on.
  site.reopen();
  site.run("cmd_5");
  CHECK_FALSE(site.faults().empty());
}

TEST_CASE("audit: the oldest files may be moved away, those between may not") {
  Site site{kSmall};
  for (int n = 0; n < 400; ++n) site.run("cmd_" + std::to_string(n));
  const auto files = site.files();
  REQUIRE(files.size() > 4);
  CHECK(site.faults().empty());
  for (std::size_t n = 0; n + 1 < files.size(); ++n) {
    CHECK((fs::status(files[n]).permissions() & fs::perms::owner_write) == fs::perms::none);
    CHECK(fs::file_size(files[n]) <= kSmall);
  }
  fs::remove(files[0]);
  auto check = check_audit(site.folder, kKey, site.known);
  REQUIRE(check);
  CHECK(check->faults.empty());
  CHECK(check->first > 1);
  fs::remove(files[2]);
  CHECK(site.faults().size() == 1);
}

TEST_CASE("audit: a line cut off by the end of the machine is told and goes on") {
  Site site;
  site.run("cmd_1");
  { std::ofstream{site.newest(), std::ios::app} << R"({"event":"sta)"; }
  site.reopen();
  site.run("cmd_2");
  const auto records = site.records();
  CHECK(events(records) == "opened start end opened start end ");
  CHECK(records[3].at("cutOff") == 13);
  CHECK(site.faults().empty());
}

TEST_CASE("audit: what cannot be recorded does not start, and starts when it can be again") {
  Site site;
  site.run("cmd_1");
  REQUIRE(site.log->start(Site::command("cmd_2")));
  fs::remove_all(site.folder);
  { std::ofstream{site.folder} << "no folder"; }
  for (int n = 0; n < 3; ++n) {
    site.clock.advance(std::chrono::seconds{n});
    auto refused = site.log->start(Site::command("cmd_3"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::unavailable);
    CHECK(refused.error().text().find("the audit log cannot be written") != std::string::npos);
  }
  site.log->end({Site::command("cmd_2"), "DONE", 2, 21});
  CHECK_FALSE(site.log->start(Site::command("cmd_3")));
  fs::remove(site.folder);
  site.clock.advance(std::chrono::seconds{2});
  site.run("cmd_4");
  // The end of what ran meanwhile was owed, and stands before what came after.
  CHECK(events(site.records()) == "opened end start end ");
  CHECK(site.records()[0].at("seq") == 5);
}

TEST_CASE("audit: a file that somebody else writes to or takes away is left, and the gap is seen") {
  Site site;
  site.run("cmd_1");
  SECTION("taken away") { fs::remove(site.newest()); }
  SECTION("moved away") { fs::rename(site.newest(), site.temp.path() / "elsewhere"); }
  SECTION("another in its place") {
    fs::rename(site.newest(), site.temp.path() / "elsewhere");
    fs::copy(site.temp.path() / "elsewhere", site.folder / "000000000001.ndjson");
    fs::resize_file(site.newest(), 10);
  }
  SECTION("shortened") { fs::resize_file(site.newest(), 10); }
  SECTION("written to") { std::ofstream{site.newest(), std::ios::app} << "hello\n"; }
  site.run("cmd_2");
  CHECK(events({site.records().back()}) == "end ");
  CHECK_FALSE(site.faults().empty());
}

TEST_CASE("audit: a start's columns, then its tables, are counted where there is no room to name them") {
  Site site;
  auto wide = Site::command("cmd_1");
  for (int n = 0; n < 20'000; ++n) wide.reads["customers"].insert("column_" + std::to_string(n));
  auto broad = Site::command("cmd_2");
  for (int n = 0; n < 20'000; ++n) broad.reads["table_" + std::to_string(n)] = {"id"};
  REQUIRE(site.log->start(wide));
  REQUIRE(site.log->start(broad));
  const auto records = site.records();
  CHECK(records[1].at("reads") == Json{{"customers", 20'002}});
  CHECK(records[2].at("reads") == 20'001);
  for (const auto& line : site.lines()) CHECK(line.size() <= kAuditStartMax);
  CHECK(site.faults().empty());
}

TEST_CASE("audit: names that no terminal should obey, or that are no text, stand in it escaped") {
  Site site;
  auto command = Site::command("cmd_1\n\x1b[2J");
  command.reads = {{"t\xc2\x9b", {"\xff", "z\u0119\x7f"}}};
  REQUIRE(site.log->start(command));
  for (const auto& line : site.lines())
    CHECK(std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7f; }));
  CHECK(site.records()[1].at("command") == command.command_id);
  CHECK(site.faults().empty());
}

TEST_CASE("audit: an intent's and a load's fingerprint do not hang on values") {
  wire::Command command;
  command.operation = wire::Operation::query;
  command.payload.connection = "erp";
  data::Intent intent;
  intent.table = "customers";
  intent.columns = {"id"};
  data::Filter filter;
  filter.op = data::Filter::Op::eq;
  filter.column = "email";
  filter.values = {std::string{"ada@example.com"}};
  intent.filter = filter;
  command.payload.intent = intent;
  const auto ada = audited(command);
  CHECK(ada.reads == data::Reads{{"customers", {"email", "id"}}});
  CHECK(ada.writes.empty());
  command.payload.intent->filter->values = {std::string{"bob@example.com"}};
  CHECK(audited(command).fingerprint == ada.fingerprint);
  command.payload.intent->filter->column = "name";
  CHECK(audited(command).fingerprint != ada.fingerprint);
  command.payload.intent.reset();
  command.operation = wire::Operation::load;
  command.payload.load = wire::LoadSpec{"orders", wire::LoadMode::upsert, {"id"}, {"id", "total"}};
  CHECK(audited(command).writes == data::Reads{{"orders", {"id", "total"}}});
  CHECK(audited(command).reads.empty());
}

namespace {

// Nothing in this process writes beyond so many bytes of a file, as where a disk is full.
class Full {
 public:
  explicit Full(std::uint64_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~Full() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

std::uint64_t reserved(const fs::path& file) {
  struct stat state {};
  return stat(file.c_str(), &state) == 0 ? static_cast<std::uint64_t>(state.st_blocks) * 512 : 0;
}

}  // namespace

TEST_CASE("audit: where a new file cannot be made nothing starts, and what runs can end in the old one") {
  Site site{kSmall};
  REQUIRE(site.log->start(Site::command("runs")));
  while (fs::file_size(site.newest()) + kAuditStartMax + 2 * kAuditEndMax <= kSmall) site.run("cmd");
  REQUIRE(site.files().size() == 1);
  const auto in_use = site.newest();
  const auto next = site.folder / fmt::format("{:012}.ndjson", site.records().back().at("seq").get<int>() + 1);
  { std::ofstream{next} << "in its way\n"; }
  for (int n = 0; n < 2; ++n) CHECK_FALSE(site.log->start(Site::command("late")));
  CHECK(reserved(in_use) >= kSmall);
  site.log->end({Site::command("runs"), "DONE", 2, 21});
  fs::remove(next);
  REQUIRE(site.files().size() == 1);
  CHECK(site.records().back().at("command") == "runs");
  while (site.files().size() < 2) site.run("late");
  CHECK(reserved(site.newest()) >= kSmall);
  CHECK(reserved(site.files().front()) < kSmall);
  CHECK(site.faults().empty());
}

TEST_CASE("audit: a record that does not fit is undone, and space is reserved again") {
  Site site;
  site.run("cmd_1");
  {
    const Full disk{fs::file_size(site.newest()) + 10};
    CHECK_FALSE(site.log->start(Site::command("cmd_2")));
  }
  site.clock.advance(std::chrono::seconds{2});
  site.run("cmd_3");
  CHECK(events(site.records()) == "opened start end opened start end ");
  CHECK(reserved(site.newest()) >= kBig);
  CHECK(site.faults().empty());
}

TEST_CASE("audit: what is remembered is late, so that little can be cut off unseen") {
  Site site{kSmall};
  const auto seen = [&](std::size_t lines) {
    auto all = site.lines();
    REQUIRE(all.size() > lines);
    all.resize(lines);
    site.write_file(all);
    return !site.faults().empty();
  };
  SECTION("at an orderly end") {
    for (int n = 0; n < 5; ++n) site.run("cmd");
    site.log->close();
    CHECK(seen(10));
  }
  SECTION("every hour") {
    for (int n = 0; n < 5; ++n) site.run("cmd");
    site.clock.advance(std::chrono::hours{1});
    site.run("cmd");
    CHECK(seen(11));
  }
  SECTION("with each file") {
    while (site.files().size() < 3) site.run("cmd");
    fs::remove(site.newest());
    fs::remove(site.newest());
    CHECK_FALSE(site.faults().empty());
  }
  SECTION("not so: a moment before a kill") {
    for (int n = 0; n < 5; ++n) site.run("cmd");
    CHECK_FALSE(seen(10));
  }
}

TEST_CASE("audit: lines and files of somebody else do not steer the log") {
  Site site{kSmall};
  site.run("cmd_1");
  auto lines = site.lines();
  const Bytes other(32, 8);
  const auto last = crypto::sha256(as_bytes(lines.back()));
  SECTION("a record with a great number") {
    lines.push_back(audit_line(start_record(Site::command("cmd_9")), INT64_MAX, 0, last, other));
    site.write_file(lines);
  }
  SECTION("a file of the last name there is") { std::ofstream{site.folder / "999999999999.ndjson"}; }
  site.reopen();
  while (site.files().size() < 5) site.run("cmd");
  const auto check = check_audit(site.folder, kKey, site.known);
  REQUIRE(check);
  CHECK(check->last == check->records);
  CHECK(check->faults.size() == (lines.size() == 4 ? 1 : 0));
}

TEST_CASE("audit: a log of another vault is not written to") {
  Site site;
  site.run("cmd_1");
  site.log.reset();
  auto settings = site.settings();
  const Bytes other(32, 8);
  settings.key = crypto::Secret{ByteView{other}};
  settings.known = {};
  auto opened = AuditLog::open(std::move(settings), site.clock);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().text().find("another vault") != std::string::npos);
  CHECK(site.faults().empty());
}

TEST_CASE("audit: commands that run at once have each a start and an end") {
  Site site{kSmall};
  constexpr int kThreads = 8, kEach = 50;
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&site, &failed, thread] {
      for (int n = 0; n < kEach; ++n) {
        const auto command = Site::command(std::to_string(thread) + "_" + std::to_string(n));
        if (!site.log->start(command)) ++failed;
        site.log->end({command, "DONE", 1, 1});
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(failed == 0);
  std::map<std::string, std::string> said;
  for (const auto& record : site.records())
    if (record.contains("command")) said[record.at("command")] += record.at("event").get<std::string>() + ' ';
  CHECK(said.size() == kThreads * kEach);
  for (const auto& [command, events] : said) CHECK(events == "start end ");
  CHECK(site.faults().empty());
  CHECK(site.files().size() > 2);
}

TEST_CASE("schemas/audit.json describes every record") {
  Site site;
  site.run("cmd_1");
  auto wide = Site::command("cmd_2"), broad = Site::command("cmd_3");
  wide.writes = {{"items", {"id"}}};
  for (int n = 0; n < 20'000; ++n) wide.reads["customers"].insert(std::to_string(n));
  for (int n = 0; n < 20'000; ++n) broad.reads[std::to_string(n)] = {"id"};
  REQUIRE(site.log->start(wide));
  REQUIRE(site.log->start(broad));
  site.log->end({Site::command("cmd_4"), "SCHEMA_ACCESS_DENIED", 0, 0});
  { std::ofstream{site.newest(), std::ios::app} << "{"; }
  site.reopen();
  auto lines = site.lines();
  fs::remove(site.newest());
  site.run("cmd_5");
  const auto more = site.lines();
  lines.insert(lines.end(), more.begin(), more.end());
  test::JsonSchemas schemas{std::string{VMC_SOURCE_DIR} + "/schemas"};
  for (const auto& line : lines) {
    INFO(line);
    CHECK(schemas.problems(Json::parse(line), "audit.json") == std::vector<std::string>{});
  }
}

TEST_CASE("audit: its folder and files are their owner's alone") {
  Site site;
  const auto mode = [](const fs::path& path) { return static_cast<unsigned>(fs::status(path).permissions()); };
  CHECK(mode(site.folder) == 0700);
  CHECK(mode(site.newest()) == 0600);
}

TEST_CASE("audit: what a split reads to cut is among what it reads") {
  wire::Command command;
  command.operation = wire::Operation::split;
  command.payload.intent = data::Intent{"staff", {"id"}, {}, {}, {}, {}};
  const auto plain = audited(command);
  command.payload.split_key = {"salary"};
  CHECK(audited(command).reads == data::Reads{{"staff", {"id", "salary"}}});
  CHECK(audited(command).fingerprint != plain.fingerprint);
}
