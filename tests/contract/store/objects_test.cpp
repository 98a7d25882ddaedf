// The contract of Objects, on the folder.
#include <catch2/catch.hpp>

#include <algorithm>

#include "disk.hpp"
#include "store/objects.hpp"
#include "support.hpp"

using namespace vmc;
using namespace vmc::test;

namespace {

namespace fs = std::filesystem;

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

std::string parent_of(const std::string& path) { return fs::path{path}.parent_path().string(); }

struct Folder {
  TempFolder temp;
  std::string root = temp / "objects";
  Pool pool{"objects", 2};
  std::unique_ptr<store::Objects> objects = store::open_folder(root, pool).value();

  Result<void> put(std::string name, std::string_view text) {
    return run(objects->put(std::move(name), bytes_of(text)));
  }
  Result<Bytes> get(std::string name) { return run(objects->get(std::move(name))); }
  Result<void> sync(std::string prefix) { return run(objects->sync(std::move(prefix))); }
  std::vector<std::string> list(std::string prefix) { return run(objects->list(std::move(prefix))).value(); }
  // Where on the disk the object stands, found by its file's last words.
  std::string file_of(const std::string& name) const {
    auto last = name.substr(std::min(name.size(), name.find('/') + 1));
    if (const auto second = last.find('/'); second != last.npos) last = last.substr(second + 1);
    std::replace(last.begin(), last.end(), '/', ',');
    for (const auto& entry : fs::recursive_directory_iterator{root})
      if (entry.path().filename() == "," + last) return entry.path().string();
    throw std::runtime_error{"no file of " + name};
  }
  void reopen() { objects = store::open_folder(root, pool).value(); }
};

}  // namespace

TEST_CASE("an object is read back before and after it is durable, and by whoever opens the folder next") {
  Folder f;
  REQUIRE(f.put("buffer/t1/c1/0", "first"));
  CHECK(f.get("buffer/t1/c1/0").value() == bytes_of("first"));
  REQUIRE(f.sync("buffer/t1/c1/"));
  CHECK(f.get("buffer/t1/c1/0").value() == bytes_of("first"));
  f.reopen();
  CHECK(f.get("buffer/t1/c1/0").value() == bytes_of("first"));
}

TEST_CASE("putting a name again replaces the object; an empty object is one too") {
  Folder f;
  REQUIRE(f.put("a/b", "first"));
  REQUIRE(f.put("a/b", "second"));
  CHECK(f.get("a/b").value() == bytes_of("second"));
  REQUIRE(f.sync("a/"));
  REQUIRE(f.put("a/b", ""));
  CHECK(f.get("a/b").value().empty());
}

TEST_CASE("what is not there is NOT_FOUND, and removing it is fine") {
  Folder f;
  CHECK(f.get("a/b").error().code == Code::not_found);
  CHECK(run(f.objects->remove("a/b")));
  CHECK(run(f.objects->remove_all("a/")));
  REQUIRE(f.put("a/b", "x"));
  CHECK(f.get("a/b/c").error().code == Code::not_found);
  CHECK(f.get("a").error().code == Code::not_found);
  REQUIRE(run(f.objects->remove("a/b")));
  CHECK(f.get("a/b").error().code == Code::not_found);
}

TEST_CASE("listing a folder gives the full names of all below it, sorted") {
  Folder f;
  for (const char* name : {"a/c/2", "a/b", "a/c/1", "ab/1", "z"}) REQUIRE(f.put(name, "x"));
  CHECK(f.list("a/") == std::vector<std::string>{"a/b", "a/c/1", "a/c/2"});
  CHECK(f.list("a/c/") == std::vector<std::string>{"a/c/1", "a/c/2"});
  CHECK(f.list("nothing/").empty());
}

TEST_CASE("removing a folder removes all below it and nothing beside it") {
  Folder f;
  for (const char* name : {"a/c/2", "a/b", "ab/1"}) REQUIRE(f.put(name, "x"));
  REQUIRE(run(f.objects->remove_all("a/")));
  CHECK(f.list("a/").empty());
  CHECK(f.get("ab/1"));
  CHECK_FALSE(fs::exists(f.root + "/a"));
  CHECK(fs::is_empty(f.root + "/.tmp"));
  REQUIRE(f.put("a/b", "again"));
  REQUIRE(f.sync("a/"));
}

TEST_CASE("names that lead elsewhere are refused by every verb") {
  Folder f;
  const std::string name = GENERATE("", "/", "/etc/passwd", "../a", "a/../b", "a//b", "a/./b", ".tmp/x",
                                    "a/.hidden", "a b", "a/b\n", "a\\b", "a/\xc3\xa9", "a/", "...");
  CAPTURE(name);
  CHECK(f.put(name, "x").error().code == Code::invalid_request);
  CHECK(f.get(name).error().code == Code::invalid_request);
  CHECK(run(f.objects->remove(name)).error().code == Code::invalid_request);
  if (name != "a/") {
    CHECK(f.sync(name).error().code == Code::invalid_request);
    CHECK(run(f.objects->list(name)).error().code == Code::invalid_request);
    CHECK(run(f.objects->remove_all(name)).error().code == Code::invalid_request);
  }
  CHECK(f.put(std::string(65, 'a'), "x").error().code == Code::invalid_request);
  CHECK(f.put("a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q", "x").error().code == Code::invalid_request);
}

TEST_CASE("a name can be an object and a folder, and buckets keep prefixes apart") {
  Folder f;
  const std::vector<std::string> names{"a", "a/b", "a/b/c", "a/b/c/d", "a/b/c/d/e", "a/b/cc", "a/b/cc/d"};
  for (const auto& name : names) REQUIRE(f.put(name, name));
  for (const auto& name : names) CHECK(f.get(name).value() == bytes_of(name));
  CHECK(f.list("a/") == std::vector<std::string>(names.begin() + 1, names.end()));
  CHECK(f.list("a/b/c/") == std::vector<std::string>{"a/b/c/d", "a/b/c/d/e"});
  REQUIRE(run(f.objects->remove_all("a/b/c/")));
  CHECK(f.list("a/b/") == std::vector<std::string>{"a/b/c", "a/b/cc", "a/b/cc/d"});
  REQUIRE(run(f.objects->remove_all("a/b/")));
  CHECK(f.list("a/") == std::vector<std::string>{"a/b"});
}

TEST_CASE("many folders spread over the buckets and are all found again") {
  Folder f;
  std::vector<std::string> names;
  for (int i = 100; i < 300; ++i) names.push_back("x/t1/e" + std::to_string(i) + "/0");
  for (const auto& name : names) REQUIRE(f.put(name, name));
  CHECK(f.list("x/t1/") == names);
  for (const auto& name : names) CHECK(f.list(name.substr(0, name.size() - 1)) == std::vector{name});
  const auto buckets = std::distance(fs::directory_iterator{f.root + "/x/t1"}, fs::directory_iterator{});
  CHECK(buckets > 90);
}

TEST_CASE("sync makes the files and every directory on the way durable, and nothing else") {
  Folder f;
  REQUIRE(f.put("x/t1/e1/0", "x"));
  REQUIRE(f.put("x/t1/e1/1", "x"));
  REQUIRE(f.put("x/t2/e9/0", "x"));
  plan_syncs({});
  REQUIRE(f.sync("x/t1/"));
  auto paths = synced_paths();
  std::sort(paths.begin(), paths.end());
  const auto bucket = parent_of(f.file_of("x/t1/e1/0"));
  CHECK(paths == std::vector<std::string>{f.root, f.root + "/x", f.root + "/x/t1", bucket,
                                          f.file_of("x/t1/e1/0"), f.file_of("x/t1/e1/1")});
}

TEST_CASE(
    "a second sync has nothing left to do, and in a known folder a file costs one sync of a directory") {
  Folder f;
  REQUIRE(f.put("x/t1/e1/0", "x"));
  REQUIRE(f.sync("x/t1/e1/"));
  plan_syncs({});
  REQUIRE(f.sync("x/t1/e1/"));
  CHECK(syncs() == 0);
  REQUIRE(f.put("x/t1/e1/c1/1/0", "x"));
  REQUIRE(f.sync("x/t1/e1/c1/1/"));
  const auto file = f.file_of("x/t1/e1/c1/1/0");
  CHECK(synced_paths() == std::vector<std::string>{file, parent_of(file)});
}

TEST_CASE("whichever sync fails, the caller hears of it and a repeated put makes good") {
  for (std::size_t nth = 1; nth <= 6; ++nth) {
    Folder f;
    REQUIRE(f.put("x/t1/0", "zero"));
    REQUIRE(f.put("x/t1/1", "one"));
    plan_syncs({.fail_from = nth});
    const auto first = f.sync("x/");
    const bool struck = syncs() >= nth;
    plan_syncs({});
    CHECK(first.has_value() != struck);
    if (nth <= 2) {
      // The kernel may have dropped the bytes: until they are put again no sync may claim success.
      const auto lost = "x/t1/" + std::to_string(nth - 1);
      CHECK(f.get(lost).error().code == Code::not_found);
      CHECK(f.sync("x/").error().code == Code::unavailable);
      REQUIRE(f.put(lost, "again"));
    }
    REQUIRE(f.sync("x/"));
    CHECK(f.list("x/").size() == 2);
  }
}

TEST_CASE("a file that a power cut tore is absent, never partial; a changed one is BUFFER_INTEGRITY") {
  Folder f;
  const std::string text(10'000, 'x');
  REQUIRE(f.put("a/b", text));
  const auto whole = slurp(f.file_of("a/b"));
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{23}, std::size_t{24}, whole.size() / 2,
                           whole.size() - 1}) {
    spill(f.file_of("a/b"), whole.substr(0, size));
    CHECK(f.get("a/b").error().code == Code::not_found);
    spill(f.file_of("a/b"), whole.substr(0, size) + std::string(whole.size() - size, '\0'));
    CHECK(f.get("a/b").error().code == Code::not_found);
  }
  auto changed = whole;
  changed[5'000] ^= 1;
  spill(f.file_of("a/b"), changed);
  CHECK(f.get("a/b").error().code == Code::buffer_integrity);
}

TEST_CASE("more files than are held open can be put before one sync") {
  Folder f;
  auto task = [&]() -> awaitable<void> {
    for (int i = 0; i < 150; ++i) {
      const auto name = "many/" + std::to_string(i);
      auto content = bytes_of(name);
      const auto put = co_await f.objects->put(name, std::move(content));
      CHECK(put);
    }
    const auto synced = co_await f.objects->sync("many/");
    CHECK(synced);
  };
  run(task());
  CHECK(f.list("many/").size() == 150);
  CHECK(f.get("many/149").value() == bytes_of("many/149"));
}

TEST_CASE("puts, syncs and removals side by side leave what was put last") {
  Folder f;
  auto& loop = this_loop();
  auto writer = [](store::Objects& objects, std::string folder) -> awaitable<void> {
    for (int i = 0; i < 40; ++i) {
      const auto name = folder + std::to_string(i % 7);
      auto content = bytes_of(std::to_string(i));
      const auto put = co_await objects.put(name, std::move(content));
      CHECK(put);
      const auto synced = co_await objects.sync(folder);
      CHECK(synced);
      if (i % 20 != 10) continue;
      const auto removed = co_await objects.remove_all(folder);
      CHECK(removed);
    }
  };
  for (int i = 0; i < 4; ++i)
    asio::co_spawn(loop, writer(*f.objects, "w/" + std::to_string(i) + "/"), rethrow);
  loop.run();
  for (int i = 0; i < 4; ++i) CHECK(f.get("w/" + std::to_string(i) + "/4").value() == bytes_of("39"));
}

TEST_CASE("an object has a largest size") {
  Folder f;
  CHECK(run(f.objects->put("a", Bytes(store::kObjectBytesMax + 1))).error().code == Code::invalid_request);
}

TEST_CASE("remains of an interrupted process are cleaned up when the folder is opened") {
  Folder f;
  spill(f.root + "/.tmp/old", "x");
  spill(f.root + "/.tmp/new", "x");
  fs::create_directories(f.root + "/.tmp/removed/e1");
  fs::last_write_time(f.root + "/.tmp/old", fs::file_time_type::clock::now() - std::chrono::hours{2});
  f.reopen();
  CHECK_FALSE(fs::exists(f.root + "/.tmp/old"));
  CHECK_FALSE(fs::exists(f.root + "/.tmp/removed"));
  CHECK(fs::exists(f.root + "/.tmp/new"));
}

TEST_CASE("objects are for their owner only") {
  Folder f;
  REQUIRE(f.put("a/b", "x"));
  CHECK((fs::status(f.root).permissions() & fs::perms::mask) == fs::perms::owner_all);
  CHECK((fs::status(f.root + "/a").permissions() & fs::perms::mask) == fs::perms::owner_all);
  CHECK((fs::status(f.file_of("a/b")).permissions() & fs::perms::mask) ==
        (fs::perms::owner_read | fs::perms::owner_write));
}
