// PostgreSQL's binary format into columns, without a copy between.
#pragma once

#include <libpq-fe.h>

#include "data/batch.hpp"

namespace vmc::sources::postgres {

// Appends one value that is not null; null on success, else what is wrong with it (never the value).
using Decoder = const char* (*)(const char* bytes, int size, data::Type type, data::ColumnBuilder& out);

// Null when the server sends another type than the column's kind: the table has changed.
// `check_text`: the database does not promise UTF-8.
Decoder decoder_for(data::Type type, Oid sent, bool check_text);

}  // namespace vmc::sources::postgres
