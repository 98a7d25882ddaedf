// What a test finds, against a file under tests/golden. VMC_WRITE_GOLDEN=1 writes the files anew.
#pragma once

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace vmc::test {

// "mssql/read.sql"
inline void check_golden(const std::string& file, const std::string& actual) {
  const auto path = std::string{VMC_SOURCE_DIR} + "/tests/golden/" + file;
  if (std::getenv("VMC_WRITE_GOLDEN")) std::ofstream{path} << actual;
  std::ostringstream expected;
  expected << std::ifstream{path}.rdbuf();
  INFO(file);
  CHECK(actual == expected.str());
}

}  // namespace vmc::test
