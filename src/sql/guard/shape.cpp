#include "sql/guard/shape.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/json.hpp"
#include "crypto/hash.hpp"
#include "sql/guard/pieces.hpp"

namespace vmc::sql {
namespace {

// What a literal may mean here beside a value.
struct Level {
  bool ordinals = false;  // in ORDER BY or GROUP BY
  bool amounts = false;   // in LIMIT, TOP, FETCH
  bool paths = false;     // an argument of a function over JSON or XML, or a subscript
};

template <class List>
bool has(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

constexpr std::array<std::string_view, 24> kClauses{"except",    "fetch",  "for",   "from",  "group",  "having",
                                                    "intersect", "into",   "limit", "lock",  "minus",  "offset",
                                                    "only",      "option", "order", "range", "groups", "row",
                                                    "rows",      "select", "union", "where", "window", "procedure"};
// Words that a parenthesis follows and that call nothing; for the eye only.
constexpr std::array<std::string_view, 30> kBeforeBlank{
    "all",    "and",  "any",    "as",     "between",   "by",  "case",  "distinct", "else",  "except",
    "exists", "from", "having", "in",     "intersect", "is",  "join",  "like",     "limit", "not",
    "on",     "or",   "over",   "select", "then",      "top", "union", "using",    "when",  "where"};
constexpr std::array<std::string_view, 4> kPathOperators{"->", "->>", "#>", "#>>"};
constexpr std::array<std::string_view, 4> kXmlMethods{"exist", "nodes", "query", "value"};

class Shaper {
 public:
  explicit Shaper(const std::vector<Piece>& pieces) : pieces_{pieces} {}

  std::vector<std::string> run() {
    for (at_ = 0; at_ < pieces_.size(); ++at_) take(pieces_[at_]);
    return std::move(out_);
  }

 private:
  const Piece& before(std::size_t back = 1) const {
    static const Piece none;
    return at_ >= back ? pieces_[at_ - back] : none;
  }

  void take(const Piece& piece) {
    if (piece.is_value()) return out_.push_back(keeps(piece) ? piece.text : "?");
    out_.push_back(piece.text);
    if (piece.kind == Piece::Kind::word) word(piece.text);
    if (piece.is("(")) open();
    if (piece.is("[")) subscript();
    if ((piece.is(")") || piece.is("]")) && levels_.size() > 1) levels_.pop_back();
  }

  void word(const std::string& text) {
    auto& level = levels_.back();
    if (text == "by" && (before().is_word("order") || before().is_word("group"))) level.ordinals = true;
    if (!has(kClauses, text)) return;
    level.ordinals = false;
    level.amounts = text == "limit" || text == "fetch";
  }

  void open() {
    const auto& name = before();
    if (name.is_word("in")) collapse(")");
    auto level = levels_.back();
    level.amounts = level.amounts || name.is_word("top");
    level.paths = level.paths || over_paths();
    levels_.push_back(level);
  }

  void subscript() {
    const bool list = before().is_word("array") || before().is("[");
    if (list) collapse("]");
    auto level = levels_.back();
    level.paths = !list || level.paths;
    levels_.push_back(level);
  }

  bool over_paths() const {
    const auto& name = before();
    if (name.kind != Piece::Kind::word && name.kind != Piece::Kind::quoted) return false;
    for (std::string_view part : {"json", "xml", "xpath"})
      if (name.text.find(part) != std::string::npos) return true;
    return before(2).is(".") && has(kXmlMethods, name.text);
  }

  // A list of nothing but values is one "?" however long it is.
  void collapse(std::string_view end) {
    auto at = at_ + 1;
    for (;; ++at) {
      if (at < pieces_.size() && (pieces_[at].is("-") || pieces_[at].is("+"))) ++at;
      if (at >= pieces_.size() || !pieces_[at].is_value()) return;
      if (++at >= pieces_.size()) return;
      if (pieces_[at].is(end)) break;
      if (!pieces_[at].is(",")) return;
    }
    out_.push_back("?");
    at_ = at - 1;
  }

  bool keeps(const Piece& piece) const {
    const auto& level = levels_.back();
    const auto& last = before();
    if (piece.kind == Piece::Kind::parameter) return false;
    if (level.paths || (last.kind == Piece::Kind::symbol && has(kPathOperators, last.text))) return true;
    if (piece.kind != Piece::Kind::number) return false;
    if (level.amounts || last.is_word("top")) return true;
    return level.ordinals && (last.is_word("by") || last.is(",") || last.is("("));
  }

  const std::vector<Piece>& pieces_;
  std::size_t at_ = 0;
  std::vector<Level> levels_ = std::vector<Level>(1);
  std::vector<std::string> out_;
};

std::string readable(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    const auto last = i > 0 ? std::string_view{words[i - 1]} : std::string_view{};
    const bool call = word == "(" && !last.empty() && !has(kBeforeBlank, last) && last != "," && last != "=" &&
                      (std::isalnum(static_cast<unsigned char>(last.back())) || last.back() == '_');
    const bool tight = last.empty() || last == "(" || last == "." || last == "[" || word == ")" || word == "]" ||
                       word == "," || word == "." || word == "[" || word == "::" || last == "::" || call;
    text += (tight ? "" : " ") + word;
  }
  return text;
}

}  // namespace

Result<Shape> shape_of(Dialect dialect, std::string_view connection, std::string_view statement,
                       const data::Reads& reads, const data::Schema& schema) {
  VMC_TRY(pieces, pieces_of(dialect, statement));
  const auto words = Shaper{pieces}.run();
  Shape shape;
  shape.text = readable(words);
  shape.reads = reads;
  std::vector<std::string> names;
  for (const auto& [name, columns] : reads) {
    names.push_back(name);
    if (const auto* table = schema.table(name); table && columns.contains("*"))
      for (const auto& column : table->columns) shape.reads[name].insert(column.name);
  }
  Json definitions = Json::object();  // of views that may reach anything
  for (const auto* table : data::with_what_they_read(schema, names)) {
    for (const auto& [name, columns] : table->reads) shape.reads[name].insert(columns.begin(), columns.end());
    if (table->reads.contains("*")) definitions[table->name] = table->definition;
  }
  const Json canonical{{"connection", connection},
                       {"dialect", static_cast<int>(dialect)},
                       {"words", words},
                       {"reads", shape.reads},
                       {"definitions", std::move(definitions)}};
  shape.fingerprint = to_hex(crypto::sha256(as_bytes(to_text(canonical))));
  return shape;
}

}  // namespace vmc::sql
