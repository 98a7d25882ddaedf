// What the tests of this folder share: a folder of their own, a loop that runs one coroutine, a database.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>

#include "core/async.hpp"
#include "store/database.hpp"
#include "support/show_result.hpp"

namespace vmc::test {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "vmc-store-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error{"mkdtemp"};
    path_ = name;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

// This thread's loop. It outlives the databases and pools of a test, as it has to.
inline asio::io_context& this_loop() {
  static thread_local asio::io_context loop;
  loop.restart();
  return loop;
}

// Runs one coroutine to its end.
template <class T>
T run(awaitable<T> task, asio::io_context& loop = this_loop()) {
  std::optional<T> result;
  auto wrapper = [](awaitable<T> inner, std::optional<T>& out) -> awaitable<void> {
    out.emplace(co_await std::move(inner));
  };
  asio::co_spawn(loop, wrapper(std::move(task), result), rethrow);
  loop.run();
  return std::move(result.value());
}
inline void run(awaitable<void> task, asio::io_context& loop = this_loop()) {
  asio::co_spawn(loop, std::move(task), rethrow);
  loop.run();
}

inline std::string slurp(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}
inline void spill(const std::string& file, const std::string& content) {
  std::ofstream out{file, std::ios::binary | std::ios::trunc};
  out << content;
}

inline constexpr std::array kNotes{store::Migration{1, "notes", R"(
CREATE TABLE notes (tenant TEXT NOT NULL, id TEXT NOT NULL, body TEXT, PRIMARY KEY (tenant, id));
CREATE TABLE marks (note TEXT NOT NULL, tenant TEXT NOT NULL, mark BIGINT NOT NULL,
  FOREIGN KEY (tenant, note) REFERENCES notes (tenant, id) DEFERRABLE INITIALLY DEFERRED);
)"}};

inline store::SqliteSettings settings_for(const std::string& file) {
  store::SqliteSettings settings;
  settings.file = file;
  return settings;
}

inline std::unique_ptr<store::Database> open_notes(const std::string& file) {
  auto opened = store::open_sqlite(settings_for(file), kNotes);
  if (!opened) throw std::runtime_error{opened.error().text()};
  return std::move(*opened);
}

inline constexpr std::string_view kInsert =
    "INSERT INTO notes (tenant, id, body) VALUES (:tenant, :id, :body)";

// Adds a note in a transaction of its own.
inline awaitable<Result<void>> add_note(store::Database& db, std::string id, std::string body = "text") {
  auto work = [&](store::Tx& tx) -> Result<void> {
    tx.exec(kInsert, {{"id", id}, {"body", body}});
    return {};
  };
  co_return co_await db.transact("t1", work);
}

// The ids of the tenant's notes, sorted.
inline awaitable<Result<std::vector<std::string>>> note_ids(store::Database& db, std::string tenant = "t1") {
  auto work = [](store::Tx& tx) -> Result<std::vector<std::string>> {
    std::vector<std::string> ids;
    for (const auto& row : tx.query("SELECT id FROM notes WHERE tenant = :tenant ORDER BY id"))
      ids.push_back(row.text(0));
    return ids;
  };
  co_return co_await db.read(std::move(tenant), work);
}

}  // namespace vmc::test
