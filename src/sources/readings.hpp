// The statements of the readings of one call.
#pragma once

#include <span>
#include <vector>

#include "sources/source.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources {

// `server`: a sql::Dialect, or what an ODBC driver has told of its server.
template <class Server>
Result<std::vector<sql::Statement>> render_all(const Server& server, std::span<const Reading> readings,
                                               const data::TableInfo& table) {
  std::vector<sql::Statement> texts;
  for (const auto& reading : readings) {
    VMC_TRY(text, sql::render(server, reading.intent, table));
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace vmc::sources
