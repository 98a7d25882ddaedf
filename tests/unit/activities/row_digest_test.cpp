#include "activities/row_digest.hpp"

#include "support/show_result.hpp"
#include "unit/data/random_batch.hpp"

using namespace vmc;
using namespace vmc::data;
using vmc::activities::RowDigest;

namespace {

constexpr std::string_view kSeed = "000102030405060708090a0b0c0d0e0f";

RowDigest digest(const Batch& batch, std::string_view seed = kSeed) {
  RowDigest out{seed};
  out.add(batch);
  return out;
}

RowDigest digest_of(const char* type, const Value& value) {
  return digest(batch_of({{"c", type_named(type).value(), true}}, {{value}}));
}

Batch shuffled_rows(const Batch& batch, RandomBatch& random) {
  std::vector<std::size_t> order(batch.rows);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  BatchBuilder builder{batch.type};
  for (const auto row : order) {
    for (std::size_t i = 0; i < batch.columns.size(); ++i)
      append(builder.column(i), value_at(batch.columns[i], row)).value();
    builder.end_row();
  }
  return builder.finish();
}

Batch reversed_columns(const Batch& batch) {
  RowType type{batch.type->rbegin(), batch.type->rend()};
  return {
      std::make_shared<RowType>(std::move(type)), {batch.columns.rbegin(), batch.columns.rend()}, batch.rows};
}

}  // namespace

TEST_CASE("order of rows, order of columns and batching do not show in a digest") {
  const auto seed = fresh_seed();
  INFO("seed " << seed);
  RandomBatch random{seed};
  for (int round = 0; round < 100; ++round) {
    const Batch batch = random.batch(random.row_type(1 + random.below(13)), random.below(100));
    const RowDigest whole = digest(batch);
    REQUIRE(digest(shuffled_rows(batch, random)) == whole);
    REQUIRE(digest(reversed_columns(batch)) == whole);

    std::vector<bool> first(batch.rows), second(batch.rows);
    for (std::size_t row = 0; row < batch.rows; ++row) second[row] = !(first[row] = random.below(2) == 1);
    RowDigest pieces{kSeed};
    pieces.add(select_rows(batch, second));
    pieces.add(digest(select_rows(batch, first)));
    REQUIRE(pieces == whole);
    REQUIRE(pieces.hex() == whole.hex());
    REQUIRE(whole.rows() == static_cast<std::int64_t>(batch.rows));
  }
}

TEST_CASE("one value changed in one row shows") {
  const auto seed = fresh_seed();
  INFO("seed " << seed);
  RandomBatch random{seed};
  auto row_type = std::make_shared<RowType>();
  for (const char* name : {"boolean", "int64", "decimal(38,3)", "text", "uuid", "timestamptz"})
    row_type->push_back({name, type_named(name).value(), true});
  const Batch batch = random.batch(row_type, 200);
  const RowDigest before = digest(batch);
  for (std::size_t changed = 0; changed < row_type->size(); ++changed) {
    BatchBuilder builder{row_type};
    for (std::size_t row = 0; row < batch.rows; ++row) {
      for (std::size_t i = 0; i < row_type->size(); ++i) {
        const bool flip = i == changed && row == 100;
        if (!flip)
          append(builder.column(i), value_at(batch.columns[i], row)).value();
        else if (!batch.columns[i].is_null(row))
          builder.column(i).null();
        else
          append(builder.column(i), parse_value(i == 0   ? "true"
                                                : i == 4 ? "00010203-0405-0607-0809-0a0b0c0d0e0f"
                                                : i == 5 ? "infinity"
                                                         : "1",
                                                (*row_type)[i].type)
                                        .value())
              .value();
      }
      builder.end_row();
    }
    CHECK_FALSE(digest(builder.finish()) == before);
  }
}

TEST_CASE("a row lost or doubled shows") {
  const RowType type{{"c", {Kind::int64, 0, 0}, true}};
  const Batch one = batch_of(type, {{std::int64_t{1}}});
  const Batch two = batch_of(type, {{std::int64_t{1}}, {std::int64_t{1}}});
  CHECK_FALSE(digest(one) == digest(two));
  CHECK_FALSE(digest(one).hex() == digest(two).hex());
}

TEST_CASE("names, kinds and the seed are part of a digest") {
  const Batch a = batch_of({{"a", {Kind::int64, 0, 0}, true}}, {{std::int64_t{1}}});
  const Batch b = batch_of({{"b", {Kind::int64, 0, 0}, true}}, {{std::int64_t{1}}});
  const Batch t = batch_of({{"a", {Kind::timestamp, 0, 0}, true}}, {{Timestamp{1}}});
  const Batch not_null = batch_of({{"a", {Kind::int64, 0, 0}, false}}, {{std::int64_t{1}}});
  CHECK_FALSE(digest(a) == digest(b));
  CHECK_FALSE(digest(a) == digest(t));
  CHECK(digest(a) == digest(not_null));
  CHECK_FALSE(digest(a).hex() == digest(a, "ff0102030405060708090a0b0c0d0e0f").hex());
}

TEST_CASE("decimals of equal value hash alike whatever their scale") {
  CHECK(digest_of("decimal(5,1)", Decimal{125, 1}) ==
        digest_of("decimal(38,20)", Decimal{125 * power_of_ten(19), 20}));
  CHECK(digest_of("decimal(5,0)", Decimal{-1200, 0}) == digest_of("decimal(9,2)", Decimal{-120'000, 2}));
  CHECK(digest_of("decimal(5,0)", Decimal{0, 0}) == digest_of("decimal(9,2)", Decimal{0, 2}));
  CHECK(digest_of("decimal(38,0)", Decimal{power_of_ten(36), 0}) ==
        digest_of("decimal(38,1)", Decimal{power_of_ten(37), 1}));
  CHECK_FALSE(digest_of("decimal(5,1)", Decimal{125, 1}) == digest_of("decimal(5,2)", Decimal{125, 2}));
}

TEST_CASE("NULL is neither zero nor empty, and text knows where it ends") {
  CHECK_FALSE(digest_of("int64", Value{}) == digest_of("int64", std::int64_t{0}));
  CHECK_FALSE(digest_of("text", Value{}) == digest_of("text", std::string{}));
  const RowType type{{"a", {Kind::text, 0, 0}, true}, {"b", {Kind::text, 0, 0}, true}};
  CHECK_FALSE(digest(batch_of(type, {{std::string{"ab"}, std::string{"c"}}})) ==
              digest(batch_of(type, {{std::string{"a"}, std::string{"bc"}}})));
}

TEST_CASE("floats that databases hold equal hash alike") {
  CHECK(digest_of("float64", 0.0) == digest_of("float64", -0.0));
  CHECK(digest_of("float64", std::nan("1")) == digest_of("float64", std::nan("2")));
  CHECK_FALSE(digest_of("float64", 0.1) == digest_of("float64", 0.2));
}

TEST_CASE("a digest stays what it was: it is compared between programs of different age") {
  const Batch batch = batch_of(
      {{"id", {Kind::int64, 0, 0}, false},
       {"name", {Kind::text, 0, 0}, true},
       {"amount", {Kind::decimal, 12, 2}, true}},
      {{std::int64_t{1}, std::string{"Zoë"}, Decimal{1250, 2}}, {std::int64_t{2}, Value{}, Value{}}});
  CHECK(digest(batch).hex() == "727c9a6376d343684b4ac0a9ace4c8a6");
  CHECK(RowDigest{kSeed}.hex() == std::string(32, '0'));
}

TEST_CASE("digests of parts that were made elsewhere add up to the digest of the whole") {
  const RowType type{{"id", {Kind::int64, 0, 0}, false}};
  const auto one = digest(batch_of(type, {{std::int64_t{1}}, {std::int64_t{2}}}));
  const auto two = digest(batch_of(type, {{std::int64_t{3}}}));
  RowDigest sum{kSeed};
  for (const auto* part : {&one, &two}) {
    const auto read = RowDigest::read(kSeed, part->rows(), part->hex());
    REQUIRE(read.has_value());
    CHECK(*read == *part);
    sum.add(*read);
  }
  CHECK(sum == digest(batch_of(type, {{std::int64_t{2}}, {std::int64_t{3}}, {std::int64_t{1}}})));
  for (const char* wrong : {"", "00", "zz7c9a6376d343684b4ac0a9ace4c8a6"})
    CHECK(RowDigest::read(kSeed, 1, wrong).error().code == Code::invalid_request);
}
