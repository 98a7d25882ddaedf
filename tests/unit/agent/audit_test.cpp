// The audit log: what runs stands in it, what stands in it stays, and a change is seen.
#include <catch2/catch.hpp>

#include <fstream>

#include "agent/audit_log.hpp"
#include "support/show_result.hpp"
#include "support/temp_dir.hpp"

using namespace vmc;
using namespace vmc::agent;
using test::TempDir;
namespace fs = std::filesystem;

namespace {

const Bytes kKey(32, 7);

struct Site {
  TempDir temp;
  fs::path folder = temp.path() / "audit";
  ManualClock clock;
  AuditHead known;
  std::unique_ptr<AuditLog> log;

  explicit Site(std::uint64_t file_bytes = AuditLog::kFileBytes) { reopen(file_bytes); }
  void reopen(std::uint64_t file_bytes = AuditLog::kFileBytes) {
    log.reset();
    auto opened = AuditLog::open(folder, crypto::Secret{ByteView{kKey}}, known, clock, file_bytes);
    if (!opened) FAIL(opened.error().text());
    log = std::move(*opened);
    known = log->head();
  }
  void run(const std::string& id) {
    auto started = log->start(command(id));
    if (!started) FAIL(started.error().text());
    log->end({id, "erp", "query", "DONE", 2, 21});
  }
  static AuditedCommand command(const std::string& id) {
    return {id, "exe_1", "Orders", "query", "erp", "00ff", {{"customers", {"id", "name"}}}, {}};
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const auto& file : audit_files(folder)) {
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
  fs::path newest() const { return audit_files(folder).back(); }
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
  site.log->end({"cmd_2", "erp", "query", "SCHEMA_ACCESS_DENIED", 0, 0});
  const auto records = site.records();
  CHECK(events(records) == "opened start end refused ");
  CHECK(records[1].at("reads") == Json{{"customers", {"id", "name"}}});
  CHECK(records[1].at("fingerprint") == "00ff");
  CHECK(records[2].at("rows") == 2);
  CHECK(records[2].at("bytes") == 21);
  CHECK(records[3].at("outcome") == "SCHEMA_ACCESS_DENIED");
  CHECK(site.faults().empty());
  site.reopen();
  site.run("cmd_3");
  CHECK(events(site.records()) == "opened start end refused opened start end ");
  CHECK(site.faults().empty());
  CHECK(audit_files(site.folder).size() == 1);
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
  constexpr std::uint64_t kSmall = 96u << 10;
  Site site{kSmall};
  for (int n = 0; n < 400; ++n) site.run("cmd_" + std::to_string(n));
  const auto files = audit_files(site.folder);
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
    auto refused = site.log->start(Site::command("cmd_3"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::unavailable);
    CHECK(refused.error().text().find("the audit log cannot be written") != std::string::npos);
  }
  site.log->end({"cmd_2", "erp", "query", "DONE", 2, 21});
  CHECK_FALSE(site.log->start(Site::command("cmd_3")));
  fs::remove(site.folder);
  site.run("cmd_4");
  // The end of what ran meanwhile was owed, and stands before what came after.
  CHECK(events(site.records()) == "opened end start end ");
  CHECK(site.records()[0].at("seq") == 5);
}

TEST_CASE("audit: a file that somebody else writes to or takes away is left, and the gap is seen") {
  Site site;
  site.run("cmd_1");
  SECTION("taken away") { fs::remove(site.newest()); }
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
