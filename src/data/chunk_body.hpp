// The body of a chunk, version 1: everything little-endian.
//
//   u32 columns, then for each: u16 length and UTF-8 of its name | u8 kind | u8 precision | u8 scale | u8
//   nullable u32 rows for each column: u8 has-validity | validity bits, if so | values
//     values of fixed width: rows * width bytes
//     text, bytes, number, json: (rows + 1) u32 offsets | offsets[rows] bytes
#pragma once

#include "data/chunk.hpp"

namespace vmc::data {

std::size_t body_size(const Batch& batch);
void write_body(const Batch& batch, std::uint8_t* out);  // body_size() bytes
// Reads hostile bytes: nothing is allocated before the bytes it stands for have been seen.
Result<Batch> read_body(ByteView body, const ChunkLimits& limits);

}  // namespace vmc::data
