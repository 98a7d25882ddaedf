#include "sources/postgres/row_stream.hpp"

#include <cctype>
#include <utility>

#include <fmt/format.h>

#include "sources/load_plan.hpp"
#include "sources/postgres/byte_order.hpp"

namespace vmc::sources::postgres {
namespace {

// Signature, flags, length of an extension.
constexpr std::string_view kCopyHeader{"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19};
constexpr std::uint16_t kCopyEnd = 0xffff;

// Without an index the server looks at each for every row, which takes it an eighth of a microsecond.
constexpr int kSettingsMax = 8;

std::string setting(std::size_t number) { return fmt::format("'vmc.p{}'", number); }

}  // namespace

RowStream::RowStream(Connection& db, const data::TableInfo& table, data::RowTypePtr type)
    : db_{db}, table_{table}, batch_{std::move(type)} {}

Result<void> RowStream::run(const BatchSink& sink) {
  auto outcome = stream(sink);
  if (!outcome) db_.abandon();
  return outcome;
}

Result<void> RowStream::run_copy(std::span<const Oid> sent, const BatchSink& sink) {
  const auto& fields = *batch_.type();
  auto outcome = [&]() -> Result<void> {
    if (sent.size() != fields.size()) return mangled();
    for (std::size_t i = 0; i < fields.size(); ++i) VMC_CHECK(choose_decoder(fields[i], sent[i]));
    return stream_copy(sink);
  }();
  if (!outcome) db_.abandon();
  return outcome;
}

Result<void> RowStream::finish(const BatchSink& sink) {
  if (batch_.rows() == 0) return {};
  return sink(batch_.finish());
}

// Nothing once the call is over, though more of it may have come already.
Result<void> RowStream::hand_on(const BatchSink& sink) {
  VMC_CHECK(db_.go_on());
  return sink(batch_.finish());
}

Result<void> RowStream::stream(const BatchSink& sink) {
  for (;;) {
    VMC_TRY(result, db_.next());
    if (!result) return {};
    if (PQresultStatus(result.get()) != PGRES_SINGLE_TUPLE) continue;
    const auto size = static_cast<std::size_t>(PQgetlength(result.get(), 0, 0));
    VMC_CHECK(take_composite({PQgetvalue(result.get(), 0, 0), size}));
    if (batch_.full()) VMC_CHECK(hand_on(sink));
  }
}

// The server sends a message a row; its header comes with the first one.
Result<void> RowStream::stream_copy(const BatchSink& sink) {
  bool ended = false;
  for (;;) {
    VMC_TRY(piece, db_.next_copied());
    if (piece.empty()) break;
    if (ended) return mangled();
    VMC_TRY(is_row, take_copied(piece));
    ended = !is_row;
    if (batch_.full()) VMC_CHECK(hand_on(sink));
  }
  VMC_CHECK(db_.end_copied());
  if (!ended) return mangled();
  return {};
}

// The number of fields, then type, length and bytes of each.
Result<void> RowStream::take_composite(std::string_view row) {
  ++row_;
  const auto& fields = *batch_.type();
  const char* at = row.data();
  const char* end = at + row.size();
  if (end - at < 4 || load_big<std::uint32_t>(at) != fields.size()) return mangled();
  at += 4;
  const bool first = decoders_.empty();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (end - at < 4) return mangled();
    if (first) VMC_CHECK(choose_decoder(fields[i], load_big<std::uint32_t>(at)));
    at += 4;
    VMC_CHECK(take_field(i, at, end));
  }
  batch_.end_row();
  return {};
}

// The number of fields, then length and bytes of each; false: it is the end.
Result<bool> RowStream::take_copied(std::string_view row) {
  if (!std::exchange(header_taken_, true)) {
    if (!row.starts_with(kCopyHeader)) return mangled();
    row.remove_prefix(kCopyHeader.size());
  }
  const char* at = row.data();
  const char* end = at + row.size();
  if (end - at < 2) return mangled();
  const auto count = load_big<std::uint16_t>(at);
  at += 2;
  if (count == kCopyEnd && at == end) return false;
  if (count != batch_.columns()) return mangled();
  ++row_;
  for (std::size_t i = 0; i < count; ++i) VMC_CHECK(take_field(i, at, end));
  if (at != end) return mangled();
  batch_.end_row();
  return true;
}

Result<void> RowStream::take_field(std::size_t i, const char*& at, const char* end) {
  if (end - at < 4) return mangled();
  const auto size = static_cast<std::int32_t>(load_big<std::uint32_t>(at));
  at += 4;
  auto& column = batch_.column(i);
  if (size < 0) {
    column.null();
    return {};
  }
  if (end - at < size) return mangled();
  const auto& field = (*batch_.type())[i];
  if (const char* why = decoders_[i](at, size, field.type, column))
    return unfit_cell(table_.name, field.name, row_, why);
  at += size;
  return {};
}

Result<void> RowStream::choose_decoder(const data::Field& field, Oid sent) {
  auto decoder = decoder_for(field.type, sent, db_.mixed_encodings());
  if (!decoder)
    return fail(Code::conflict, "column '" + field.name + "' of table '" + table_.name + "' has changed its type",
                "Discover the schema again.");
  decoders_.push_back(decoder);
  return {};
}

Error RowStream::mangled() const {
  return fail(Code::database_error, "the server sent a row of '" + table_.name + "' in another form than asked for");
}

std::optional<std::string> without_params(const std::string& text, const Params& params) {
  if (params.size() > kSettingsMax) return std::nullopt;
  std::string out;
  char quoted_by = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == quoted_by)
      quoted_by = '\0';
    else if (quoted_by == '\0' && (c == '"' || c == '\''))
      quoted_by = c;
    if (quoted_by != '\0' || c != '$') {
      out += c;
      continue;
    }
    std::size_t number = 0;
    for (; i + 1 < text.size() && std::isdigit(static_cast<unsigned char>(text[i + 1])); ++i)
      number = number * 10 + static_cast<std::size_t>(text[i + 1] - '0');
    const bool cast = text.compare(i + 1, 2, "::") == 0;
    if (!cast || number < 1 || number > static_cast<std::size_t>(params.size())) return std::nullopt;
    out += "pg_catalog.current_setting(" + setting(number) + ")";
  }
  return out;
}

Result<void> keep_params(Connection& db, const Params& params) {
  if (params.size() == 0) return {};
  std::string text;
  for (std::size_t n = 1; n <= static_cast<std::size_t>(params.size()); ++n)
    text += fmt::format("{}pg_catalog.set_config({}, ${}::pg_catalog.text, true)", n == 1 ? "SELECT " : ", ",
                        setting(n), n);
  VMC_CHECK(db.run(text, params));
  return {};
}

}  // namespace vmc::sources::postgres
