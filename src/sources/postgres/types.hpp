// PostgreSQL's own type numbers (pg_type.dat; fixed for all versions) and what they are to us.
#pragma once

#include <libpq-fe.h>

#include "data/type.hpp"

namespace vmc::sources::postgres::oid {

inline constexpr Oid boolean = 16, bytea = 17, character = 18, name = 19, int8 = 20, int2 = 21, int4 = 23, text = 25,
                     oid = 26, json = 114, float4 = 700, float8 = 701, money = 790, bpchar = 1042,
                     varchar = 1043, date = 1082, time = 1083, timestamp = 1114, timestamptz = 1184,
                     numeric = 1700, uuid = 2950, jsonb = 3802;

}  // namespace vmc::sources::postgres::oid

namespace vmc::sources::postgres {

// What the catalogue calls a type that is decoded as it is; empty for any other.
std::string_view formatted_name(Oid type);
// Of a base type (domains resolved); what is not listed travels as its text.
data::Type type_of(Oid type, int modifier);
// Digits after the point that numeric(p,s) keeps; -1: as many as there are.
int scale_of(int modifier);

}  // namespace vmc::sources::postgres
