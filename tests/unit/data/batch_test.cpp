#include "support/show_result.hpp"
#include "unit/data/random_batch.hpp"

using namespace vmc;
using namespace vmc::data;

TEST_CASE("every type has a name that reads back") {
  for (const char* name : {"boolean", "int64", "float64", "decimal(1,0)", "decimal(38,38)", "number", "text",
                           "bytes", "date", "time", "timestamp", "timestamptz", "uuid", "json"})
    CHECK(to_string(type_named(name).value()) == name);
}

TEST_CASE("a type that is not written exactly is refused") {
  for (const char* name :
       {"", "decimal", "decimal(0,0)", "decimal(39,0)", "decimal(38,39)", "decimal(5)", "decimal(5,2) ",
        "decimal(05,2)", "decimal(5, 2)", "decimal(-5,2)", "Int64", "int64(1,1)"})
    CHECK_FALSE(type_named(name));
}

TEST_CASE("a column without a null has no validity bits, and one with a null knows which") {
  ColumnBuilder builder{{Kind::int64, 0, 0}};
  builder.int64(1);
  builder.int64(2);
  CHECK_FALSE(builder.finish().has_nulls());

  for (int i = 0; i < 9; ++i) builder.int64(i);
  builder.null();
  builder.int64(11);
  const Column column = builder.finish();
  CHECK(column.size() == 11);
  for (std::size_t row = 0; row < 11; ++row) CHECK(column.is_null(row) == (row == 9));
  CHECK(column.int64s()[9] == 0);
  CHECK(column.int64s()[10] == 11);
}

TEST_CASE("a builder starts anew after finish") {
  ColumnBuilder builder{{Kind::text, 0, 0}};
  builder.text("first");
  builder.null();
  builder.finish();
  builder.text("second");
  const Column column = builder.finish();
  CHECK(column.size() == 1);
  CHECK(column.text(0) == "second");
  CHECK_FALSE(column.has_nulls());
}

TEST_CASE("validity that marks no row is dropped, so that equal columns have equal buffers") {
  const Column column{{Kind::boolean, 0, 0}, 3, Bytes{0xff}, Bytes{1, 0, 1}, {}};
  CHECK_FALSE(column.has_nulls());
}

TEST_CASE("buffers that do not fit their column are a bug that shows") {
  CHECK_THROWS_AS((Column{{Kind::int64, 0, 0}, 2, {}, Bytes(8), {}}), std::logic_error);
  CHECK_THROWS_AS((Column{{Kind::text, 0, 0}, 1, {}, Bytes(8), {0, 9}}), std::logic_error);
  CHECK_THROWS_AS((Column{{Kind::int64, 0, 0}, 9, Bytes(1), Bytes(72), {}}), std::logic_error);
}

TEST_CASE("a batch is full at its rows or at its bytes") {
  auto type = std::make_shared<RowType>(RowType{{"t", {Kind::text, 0, 0}, false}});
  BatchBuilder builder{type};
  for (std::size_t i = 0; i < kBatchRows; ++i) {
    CHECK_FALSE(builder.full());
    builder.column(0).text("");
    builder.end_row();
  }
  CHECK(builder.full());
  builder.finish();
  builder.column(0).text(std::string(kBatchBytes, 'x'));
  builder.end_row();
  CHECK(builder.full());
}

TEST_CASE("a row that lacks a value is a bug that shows") {
  BatchBuilder builder{std::make_shared<RowType>(RowType{{"a", {Kind::int64, 0, 0}, true}})};
  builder.end_row();
  CHECK_THROWS_AS(builder.finish(), std::logic_error);
}

TEST_CASE("chosen rows keep their values, their nulls and their order") {
  const auto seed = fresh_seed();
  INFO("seed " << seed);
  RandomBatch random{seed};
  for (int round = 0; round < 200; ++round) {
    const Batch batch = random.batch();
    std::vector<bool> keep(batch.rows);
    for (std::size_t row = 0; row < batch.rows; ++row) keep[row] = random.below(2) == 1;
    const Batch chosen = select_rows(batch, keep);
    std::size_t to = 0;
    for (std::size_t row = 0; row < batch.rows; ++row) {
      if (!keep[row]) continue;
      for (std::size_t i = 0; i < batch.columns.size(); ++i)
        REQUIRE(to_json(value_at(chosen.columns[i], to)) == to_json(value_at(batch.columns[i], row)));
      ++to;
    }
    CHECK(chosen.rows == to);
  }
}
