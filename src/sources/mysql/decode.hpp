// The binary protocol's values into columns, without a copy between.
#pragma once

#include <mysql.h>

#include <optional>
#include <string>

#include "data/batch.hpp"

namespace vmc::sources::mysql {

// The bytes that may be looked at.
struct Reach {
  const unsigned char* at;
  const unsigned char* end;
};

// Appends one value that is not null and moves `at` behind it; null on success, else what is wrong with it (never the
// value).
using Decoder = const char* (*)(const unsigned char*& at, const unsigned char* end, data::Type type,
                                data::ColumnBuilder& out);

// Null when the server sends another type than the column's kind: the table has changed.
Decoder decoder_for(data::Type type, const MYSQL_FIELD& sent);

// Integers and texts as text; nullopt for any other type. `next`: behind the value.
std::optional<std::string> as_text(const MYSQL_FIELD& field, Reach reach, unsigned char*& next);

}  // namespace vmc::sources::mysql
