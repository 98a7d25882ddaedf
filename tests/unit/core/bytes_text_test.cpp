#include <catch2/catch.hpp>

#include "core/bytes.hpp"
#include "core/printable.hpp"
#include "core/text.hpp"

using namespace vmc;
using namespace std::chrono_literals;

TEST_CASE("hex goes both ways and refuses what is not hex") {
  CHECK(to_hex(as_bytes("\x01\xab\xff")) == "01abff");
  CHECK(from_hex("01ABff") == Bytes{0x01, 0xab, 0xff});
  CHECK(from_hex("") == Bytes{});
  CHECK_FALSE(from_hex("0"));
  CHECK_FALSE(from_hex("0g"));
  CHECK_FALSE(from_hex(" 0"));
}

TEST_CASE("base64 has the vectors of RFC 4648") {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    CAPTURE(plain);
    CHECK(to_base64(as_bytes(plain)) == encoded);
    const auto decoded = from_base64(encoded);
    REQUIRE(decoded);
    CHECK(as_text(*decoded) == plain);
  }
}

TEST_CASE("base64 that is not canonical is refused") {
  for (const auto* text :
       {"Zg=", "Zg", "Zh==", "Zm9=", "Zg==Zg==", "Z===", "====", "Zm-v", "Zm9v\n", " Zm9v"}) {
    CAPTURE(text);
    CHECK_FALSE(from_base64(text));
  }
}

TEST_CASE("every single byte survives hex and base64") {
  Bytes all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<std::uint8_t>(i));
  for (std::size_t size = 0; size <= all.size(); ++size) {
    const Bytes part(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size));
    REQUIRE(from_base64(to_base64(part)) == part);
    REQUIRE(from_hex(to_hex(part)) == part);
  }
}

TEST_CASE("durations need a unit and may not overflow") {
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("30s") == 30s);
  CHECK(parse_duration(" 4h ") == 4h);
  CHECK(parse_duration("7d") == 168h);
  CHECK(parse_duration("0s") == 0s);
  for (const auto* text :
       {"", "30", "s", "-1s", "1.5s", "1 week", "99999999999999d", "1s2", "18446744073709551615us"})
    CHECK_FALSE(parse_duration(text));
}

TEST_CASE("sizes tell decimal from binary units and may not overflow") {
  CHECK(parse_size("100B") == 100u);
  CHECK(parse_size("64MB") == 64'000'000u);
  CHECK(parse_size("1GiB") == 1u << 30);
  CHECK(parse_size("512 KB") == 512'000u);
  for (const auto* text : {"", "64", "MB", "-1B", "64mb", "99999999999999GB"}) CHECK_FALSE(parse_size(text));
}

TEST_CASE("the nearest name is offered only when it is near") {
  const std::vector<std::string> names{"heartbeat", "listen", "proxy"};
  CHECK(nearest("hartbeat", names) == "heartbeat");
  CHECK(nearest("lisent", names) == "listen");
  CHECK_FALSE(nearest("completely_other", names));
  CHECK_FALSE(nearest("x", std::vector<std::string>{}));
}

TEST_CASE("split, trim and join do what they say at the edges") {
  CHECK(split("a,,b,", ',') == std::vector<std::string>{"a", "", "b", ""});
  CHECK(split("", ',') == std::vector<std::string>{""});
  CHECK(trim(" \t a b\r\n") == "a b");
  CHECK(trim(" ").empty());
  CHECK(join(std::vector<std::string>{"a", "b"}, ", ") == "a, b");
}

TEST_CASE("only well-formed UTF-8 passes") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x99\x82 \xf4\x8f\xbf\xbf"));
  CHECK_FALSE(is_utf8("\xc0\xaf"));          // overlong
  CHECK_FALSE(is_utf8("\xe0\x80\xaf"));      // overlong
  CHECK_FALSE(is_utf8("\xf0\x80\x80\xaf"));  // overlong
  CHECK_FALSE(is_utf8("\xed\xa0\x80"));      // surrogate
  CHECK_FALSE(is_utf8("\xf4\x90\x80\x80"));  // beyond Unicode
  CHECK_FALSE(is_utf8("\xe2\x82"));          // cut off
  CHECK_FALSE(is_utf8("\x80"));
  CHECK_FALSE(is_utf8("\xff"));
}

TEST_CASE("what a terminal would obey is shown as spaces") {
  CHECK(printable("a\x1b[2Jb\r\n\t\x7f") == "a [2Jb    ");
  CHECK(printable("za\u017c\u00f3\u0142\u0107 \U0001F600") == "za\u017c\u00f3\u0142\u0107 \U0001F600");
  CHECK(printable("\xc2\x9b" "2J\xc2\xa0") == " 2J\xc2\xa0");
  CHECK(printable("a\nb\x1b\n", "\n") == "a\nb \n");
}
