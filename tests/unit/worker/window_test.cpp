#include "worker/window.hpp"

#include <catch2/catch.hpp>

#include "../../support/show_result.hpp"

using namespace vmc;
using worker::before;
using worker::check_cursor;

namespace {

workflow::ExtractParams params(std::chrono::microseconds overlap, std::int64_t values = 10) {
  workflow::ExtractParams out;
  out.overlap = overlap;
  out.overlap_values = values;
  return out;
}

std::string text_before(std::string_view text, data::Type type, const workflow::ExtractParams& by) {
  const auto low = before(data::parse_value(text, type).value(), by);
  return low ? data::format(*low) : "nothing";
}

data::ColumnInfo column(data::Kind kind, std::string sql_type = "") {
  data::ColumnInfo out;
  out.name = "changed";
  out.type = {kind, kind == data::Kind::decimal ? std::uint8_t{20} : std::uint8_t{0}, 0};
  out.sql_type = std::move(sql_type);
  return out;
}

}  // namespace

TEST_CASE("the window of a time begins an overlap before the watermark, at a whole minute and never at it") {
  using namespace std::chrono_literals;
  const data::Type timestamp{data::Kind::timestamp};
  CHECK(text_before("2024-03-01 00:04:30.5", timestamp, params(5min)) == "2024-02-29 23:59:00");
  CHECK(text_before("2024-03-01 00:00:00", timestamp, params(0s)) == "2024-02-29 23:59:00");
  CHECK(text_before("1969-12-31 23:59:30", timestamp, params(0s)) == "1969-12-31 23:59:00");
  CHECK(text_before("2024-03-01 00:05:00+00", {data::Kind::timestamptz}, params(5min)) == "2024-02-29 23:59:00+00");
  CHECK(text_before("2024-03-01", {data::Kind::date}, params(0s)) == "2024-02-29");
  CHECK(text_before("2024-03-01", {data::Kind::date}, params(25h)) == "2024-02-28");
  CHECK(text_before("2024-03-01 00:04:30.1234567", {data::Kind::text}, params(5min)) == "2024-02-29 23:59:00.0000000");
}

TEST_CASE("the window of a number begins some values before the watermark and never at it") {
  using namespace std::chrono_literals;
  CHECK(text_before("5", {data::Kind::int64}, params(5min, 10)) == "-5");
  CHECK(text_before("5", {data::Kind::int64}, params(5min, 0)) == "4");
  CHECK(text_before("18446744073709551615", {data::Kind::decimal, 20, 0}, params(5min, 15)) == "18446744073709551600");
  CHECK(text_before("1.50", {data::Kind::decimal, 12, 2}, params(5min, 1)) == "0.50");
}

TEST_CASE("where nothing lies before the watermark, everything is read again") {
  using namespace std::chrono_literals;
  CHECK(text_before("infinity", {data::Kind::timestamptz}, params(5min)) == "nothing");
  CHECK(text_before("-infinity", {data::Kind::date}, params(5min)) == "nothing");
  CHECK(text_before("-9223372036854775808", {data::Kind::int64}, params(5min)) == "nothing");
  CHECK(text_before("-99999999999999999999999999999999999999", {data::Kind::decimal, 38, 0}, params(5min)) == "nothing");
  CHECK(text_before("0001-01-01 00:00:00.0000000", {data::Kind::text}, params(5min)) == "nothing");
  CHECK(text_before("2024-03-01 01:30:00.1234567 +02:00", {data::Kind::text}, params(5min)) == "nothing");
}

TEST_CASE("a cursor that has no time or number before it is refused, and so is an overlap in the other unit") {
  using data::Kind;
  const workflow::ExtractParams defaults;
  for (const auto kind : {Kind::int64, Kind::decimal, Kind::date, Kind::timestamp, Kind::timestamptz})
    CHECK(check_cursor(column(kind), defaults));
  CHECK(check_cursor(column(Kind::text, "datetime2(7)"), defaults));
  for (const auto kind : {Kind::text, Kind::bytes, Kind::uuid, Kind::float64, Kind::number, Kind::boolean, Kind::time, Kind::json}) {
    const auto refused = check_cursor(column(kind), defaults);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::workflow_invalid);
    CHECK(refused.error().message.find("'changed'") != std::string::npos);
  }
  CHECK_FALSE(check_cursor(column(Kind::text, "datetimeoffset(7)"), defaults));
  CHECK_FALSE(check_cursor(column(Kind::int64), params(std::chrono::seconds{0}, defaults.overlap_values)));
  CHECK_FALSE(check_cursor(column(Kind::timestamp), params(defaults.overlap, 5)));
}
