// Values as DB-Library hands them out, into columns.
#pragma once

#include "data/batch.hpp"

namespace vmc::sources::mssql {

// Appends the value, or says why it cannot be carried.
using Decoder = const char* (*)(const unsigned char* bytes, int size, data::Type type, data::ColumnBuilder& out);

// nullptr when a column of the result is not of the kind that was asked for.
Decoder decoder_for(data::Type type, int dbtype);

}  // namespace vmc::sources::mssql
