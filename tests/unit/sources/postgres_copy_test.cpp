// A statement's values as settings, for COPY.
#include <catch2/catch.hpp>

#include "sources/postgres/row_stream.hpp"

using namespace vmc;
using sources::postgres::Params;
using sources::postgres::without_params;

namespace {

Params numbers(int count) {
  Params params;
  for (int i = 0; i < count; ++i) params.number(i);
  return params;
}

}  // namespace

TEST_CASE("each parameter with a type becomes a setting of its own") {
  CHECK(without_params("SELECT a FROM t WHERE a > $1::pg_catalog.int8 AND a <= $8::pg_catalog.int8", numbers(8)) ==
        "SELECT a FROM t WHERE a > pg_catalog.current_setting('vmc.p1')::pg_catalog.int8 AND a <= "
        "pg_catalog.current_setting('vmc.p8')::pg_catalog.int8");
  CHECK(without_params("SELECT a FROM t", numbers(0)) == "SELECT a FROM t");
}

TEST_CASE("what only looks like a parameter stays") {
  const std::string text = R"(SELECT "$1::a""$2::b" FROM t WHERE c LIKE '$1::x''$1::y' ESCAPE '\')";
  CHECK(without_params(text, numbers(2)) == text);
}

TEST_CASE("a parameter without a type, an unknown one or many make no COPY") {
  CHECK_FALSE(without_params("SELECT a FROM t WHERE a > $1", numbers(1)));
  CHECK_FALSE(without_params("SELECT a FROM t WHERE a > $2::pg_catalog.int8", numbers(1)));
  CHECK_FALSE(without_params("SELECT a FROM t WHERE a > $0::pg_catalog.int8", numbers(1)));
  CHECK_FALSE(without_params("SELECT a FROM t", numbers(9)));
}
