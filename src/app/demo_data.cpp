#include "app/demo_data.hpp"

#include <sqlite3.h>

#include <array>
#include <memory>
#include <random>

#include <fmt/format.h>

#include "data/value.hpp"

namespace vmc::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSeed = 20'240'229;
constexpr std::int64_t kFirstLineId = 9'007'199'254'740'993;  // beyond what a double can hold
constexpr std::int64_t kFirstMoment = 1'672'531'200'000'000;  // 2023-01-01
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::int64_t kCustomers = 2'000, kProducts = 500;
constexpr int kInserts = 500, kUpdates = 500, kEqualTimestamps = 50;

constexpr std::array kCities{"Łódź", "München", "Zürich", "São Paulo", "Αθήνα",
                             "東京", "Mumbai",  "Århus",  "Kraków",    "Montréal"};
constexpr std::array kFirst{"Zoë",  "Jürgen", "Małgorzata", "Søren", "Ανδρέας",
                            "美咲", "Priya",  "João",       "Chloé", "Ивана"};
constexpr std::array kLast{"Müller", "Nowak",    "Østergård", "Παπαδόπουλος", "田中",
                           "Sharma", "da Silva", "Lefèvre",   "Kowalska",     "O'Brien"};
constexpr std::array kThings{"Schraube M8", "Gewürz „Kräuter“", "Ręcznik",  "Filtre à café",
                             "ネジ",        "Bolt ½\"",         "Παξιμάδι", "Kabel 5 m"};
constexpr std::array kNotes{"Lieferung ab Rampe",
                            "prosić o telefon przed dostawą",
                            "fragile – à manier avec soin",
                            "ねじは別送",
                            "50 % off; “Sale”",
                            "line one\nline two"};

constexpr const char* kErpTables = R"(
CREATE TABLE customers (
  id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, city TEXT, email TEXT,
  credit_limit DECIMAL_TEXT(12,2), created_at TIMESTAMP NOT NULL);
CREATE TABLE products (
  id INTEGER NOT NULL PRIMARY KEY, sku TEXT NOT NULL UNIQUE, name TEXT NOT NULL, price DECIMAL_TEXT(12,2) NOT NULL,
  weight_kg REAL, active BOOLEAN NOT NULL);
CREATE TABLE orders (
  id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), ordered_on DATE NOT NULL,
  status TEXT NOT NULL, note TEXT);
CREATE TABLE order_lines (
  id INTEGER NOT NULL PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id),
  product_id INTEGER NOT NULL REFERENCES products (id), quantity INTEGER NOT NULL, unit_price DECIMAL_TEXT(12,2) NOT NULL,
  discount_percent DECIMAL_TEXT(5,2), note TEXT, shipped_on DATE, updated_at TIMESTAMP NOT NULL);
CREATE INDEX order_lines_updated ON order_lines (updated_at, id);
CREATE TABLE demo_changes (batch INTEGER NOT NULL PRIMARY KEY);
)";

constexpr const char* kWarehouseTables = R"(
CREATE TABLE sales_lines (
  id INTEGER NOT NULL PRIMARY KEY, order_id INTEGER NOT NULL, product_id INTEGER NOT NULL, quantity INTEGER NOT NULL,
  unit_price DECIMAL_TEXT(12,2) NOT NULL, discount_percent DECIMAL_TEXT(5,2), line_total DECIMAL_TEXT(18,6) NOT NULL, remark TEXT,
  shipped_on DATE, updated_at TIMESTAMP NOT NULL);
)";

struct CloseDb {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};
using Db = std::unique_ptr<sqlite3, CloseDb>;
struct Finalize {
  void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
};

Error sqlite_error(sqlite3* db, const char* what) {
  return fail(Code::unavailable, fmt::format("the demo database: {}: {}", what, sqlite3_errmsg(db)));
}

Result<Db> open_db(const fs::path& file) {
  sqlite3* raw = nullptr;
  const int rc = sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  Db db{raw};
  if (rc != SQLITE_OK) return sqlite_error(raw, "open");
  sqlite3_busy_timeout(raw, 30'000);
  sqlite3_exec(raw, "PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr);
  return db;
}

Result<void> run(sqlite3* db, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return sqlite_error(db, "statement");
  return {};
}

// One prepared INSERT or UPDATE, fed row by row.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql) : db_{db} {
    sqlite3_stmt* raw = nullptr;
    sqlite3_prepare_v2(db, sql, -1, &raw, nullptr);
    statement_.reset(raw);
  }
  Statement& integer(std::int64_t v) { return sqlite3_bind_int64(statement_.get(), ++at_, v), *this; }
  Statement& real(double v) { return sqlite3_bind_double(statement_.get(), ++at_, v), *this; }
  Statement& text(const std::string& v) {
    sqlite3_bind_text(statement_.get(), ++at_, v.c_str(), static_cast<int>(v.size()), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& text_or_null(bool null, const std::string& v) { return null ? (++at_, *this) : text(v); }
  Result<void> step() {
    const int rc = statement_ ? sqlite3_step(statement_.get()) : SQLITE_ERROR;
    if (rc != SQLITE_DONE) return sqlite_error(db_, "row");
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
    at_ = 0;
    return {};
  }

 private:
  sqlite3* db_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int at_ = 0;
};

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_{seed} {}
  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(bound));
  }
  bool one_in(std::int64_t n) { return below(n) == 0; }
  template <class List>
  std::string pick(const List& list) {
    return list[static_cast<std::size_t>(below(static_cast<std::int64_t>(list.size())))];
  }
  std::string money(std::int64_t cents_max) { return data::format_decimal(1 + below(cents_max), 2); }

 private:
  std::mt19937_64 engine_;
};

std::string moment(std::int64_t micros) { return data::format_timestamp(micros, false); }
std::string day(std::int64_t micros) { return data::format_date(static_cast<std::int32_t>(micros / kDay)); }

Result<void> fill_small_tables(sqlite3* db, Random& random, std::int64_t orders) {
  Statement customer{db, "INSERT INTO customers VALUES (?,?,?,?,?,?)"};
  for (std::int64_t id = 1; id <= kCustomers; ++id) {
    customer.integer(id)
        .text(random.pick(kFirst) + " " + random.pick(kLast))
        .text_or_null(random.one_in(9), random.pick(kCities));
    customer.text_or_null(random.one_in(4), fmt::format("customer{}@example.com", id));
    customer.text_or_null(random.one_in(6), random.money(10'000'000))
        .text(moment(kFirstMoment - random.below(900 * kDay)));
    VMC_CHECK(customer.step());
  }
  Statement product{db, "INSERT INTO products VALUES (?,?,?,?,?,?)"};
  for (std::int64_t id = 1; id <= kProducts; ++id) {
    product.integer(id)
        .text(fmt::format("SKU-{:05}", id))
        .text(random.pick(kThings))
        .text(random.money(500'000));
    product.real(static_cast<double>(random.below(100'000)) / 1024.0).integer(random.one_in(10) ? 0 : 1);
    VMC_CHECK(product.step());
  }
  Statement order{db, "INSERT INTO orders VALUES (?,?,?,?,?)"};
  constexpr std::array kStates{"open", "shipped", "paid", "cancelled"};
  for (std::int64_t id = 1; id <= orders; ++id) {
    order.integer(id)
        .integer(1 + random.below(kCustomers))
        .text(day(kFirstMoment + random.below(700) * kDay));
    order.text(random.pick(kStates)).text_or_null(!random.one_in(5), random.pick(kNotes));
    VMC_CHECK(order.step());
  }
  return {};
}

Result<void> insert_line(Statement& line, Random& random, std::int64_t id, std::int64_t orders,
                         std::int64_t at) {
  line.integer(id)
      .integer(1 + random.below(orders))
      .integer(1 + random.below(kProducts))
      .integer(1 + random.below(200));
  line.text(random.money(500'000))
      .text_or_null(random.one_in(3), data::format_decimal(random.below(5000), 2));
  line.text_or_null(!random.one_in(4), random.pick(kNotes))
      .text_or_null(random.one_in(5), day(at + random.below(20) * kDay));
  line.text(moment(at));
  return line.step();
}

constexpr const char* kInsertLine = "INSERT INTO order_lines VALUES (?,?,?,?,?,?,?,?,?)";

Result<std::int64_t> number(sqlite3* db, const char* sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(db, sql, -1, &raw, nullptr) != SQLITE_OK) return sqlite_error(db, "query");
  std::unique_ptr<sqlite3_stmt, Finalize> statement{raw};
  if (sqlite3_step(raw) != SQLITE_ROW) return sqlite_error(db, "query");
  return sqlite3_column_int64(raw, 0);
}

}  // namespace

Result<void> make_erp(const fs::path& file, std::uint64_t order_lines) {
  if (fs::exists(file)) return {};
  // Built aside and renamed: a demo that was interrupted here starts over.
  const fs::path building = file.string() + ".new";
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(building.string() + suffix);
  {
    VMC_TRY(db, open_db(building));
    VMC_CHECK(run(db.get(), kErpTables));
    VMC_CHECK(run(db.get(), "PRAGMA synchronous=OFF; BEGIN"));
    Random random{kSeed};
    const auto orders = static_cast<std::int64_t>(order_lines / 4);
    VMC_CHECK(fill_small_tables(db.get(), random, orders));
    Statement line{db.get(), kInsertLine};
    std::int64_t at = kFirstMoment;
    for (std::uint64_t i = 0; i < order_lines; ++i) {
      if (!random.one_in(7))
        at += random.below(500 * kSecond);  // one in seven shares its moment with the one before
      VMC_CHECK(insert_line(line, random, kFirstLineId + static_cast<std::int64_t>(i), orders, at));
    }
    VMC_CHECK(run(db.get(), "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  fs::rename(building, file);
  return {};
}

Result<void> make_warehouse(const fs::path& file) {
  if (fs::exists(file)) return {};
  const fs::path building = file.string() + ".new";
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(building.string() + suffix);
  {
    VMC_TRY(db, open_db(building));
    VMC_CHECK(run(db.get(), kWarehouseTables));
    VMC_CHECK(run(db.get(), "PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  fs::rename(building, file);
  return {};
}

Result<ErpChange> change_erp(const fs::path& file) {
  VMC_TRY(db, open_db(file));
  VMC_CHECK(run(db.get(), "BEGIN IMMEDIATE"));
  VMC_TRY(batch, number(db.get(), "SELECT count(*) FROM demo_changes"));
  VMC_TRY(last_id, number(db.get(), "SELECT max(id) FROM order_lines"));
  VMC_TRY(lines, number(db.get(), "SELECT count(*) FROM order_lines"));
  VMC_TRY(orders, number(db.get(), "SELECT count(*) FROM orders"));
  VMC_TRY(
      last_day,
      number(db.get(), "SELECT CAST(julianday(max(updated_at)) - 2440587.5 AS INTEGER) FROM order_lines"));
  Random random{kSeed + 1 + static_cast<std::uint64_t>(batch)};
  const std::int64_t start = (last_day + 1) * kDay + 6 * 3600 * kSecond;
  const std::int64_t shared = start + 3600 * kSecond;  // the moment 50 changes have in common
  Statement insert{db.get(), kInsertLine};
  for (int i = 0; i < kInserts; ++i) {
    const auto at = i < kEqualTimestamps / 2 ? shared : start + i * 7 * kSecond + 1;
    VMC_CHECK(insert_line(insert, random, last_id + 1 + i, orders, at));
  }
  Statement update{db.get(),
                   "UPDATE order_lines SET quantity = quantity + 1, note = ?, updated_at = ? WHERE id = ?"};
  const std::int64_t stride = lines / kUpdates;  // distinct rows, spread over the whole table
  for (int i = 0; i < kUpdates; ++i) {
    const auto at = i < kEqualTimestamps - kEqualTimestamps / 2 ? shared : start + i * 11 * kSecond + 2;
    update.text_or_null(random.one_in(3), random.pick(kNotes)).text(moment(at));
    update.integer(kFirstLineId + i * stride + random.below(stride));
    VMC_CHECK(update.step());
  }
  VMC_CHECK(run(db.get(), fmt::format("INSERT INTO demo_changes VALUES ({}); COMMIT", batch + 1).c_str()));
  return ErpChange{kInserts, kUpdates};
}

}  // namespace vmc::app
