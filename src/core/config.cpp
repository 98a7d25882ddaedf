#include "core/config.hpp"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <set>
#include <system_error>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "core/text.hpp"

namespace vmc::config {
namespace {

constexpr std::uintmax_t kFileBytesMax = 1u << 20;

struct Place {
  std::size_t file = 0;  // index into Document::Impl::files
  std::uint32_t line = 1;
  std::uint32_t column = 0;
  auto operator<=>(const Place&) const = default;
};

// Our own tree, because the merge of several files must keep each value's place and toml++ forgets the
// place of a copied node.
enum class Kind { string, integer, number, boolean, date, list, table };
struct Member;
struct Value {
  Kind kind = Kind::table;
  Place place;
  std::string text;
  std::int64_t integer = 0;
  double number = 0;
  bool boolean = false;
  std::vector<Value> items;
  std::vector<Member> members;  // in file order
  std::set<std::string, std::less<>> asked;
};
struct Member {
  std::string key;
  Value value;
  bool refused = false;  // of the wrong kind: its content is not worth a second complaint
};

Member* find_member(Value& table, std::string_view key) {
  for (auto& member : table.members)
    if (member.key == key) return &member;
  return nullptr;
}

bool is_table_list(const Value& value) {
  const auto table = [](const Value& item) { return item.kind == Kind::table; };
  return value.kind == Kind::list && std::all_of(value.items.begin(), value.items.end(), table);
}

std::string dotted(const std::string& path, std::string_view key) {
  return path.empty() ? std::string{key} : key.empty() ? path : fmt::format("{}.{}", path, key);
}

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto inside = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  return !text.empty() && letter(text.front()) && std::all_of(text.begin(), text.end(), inside);
}

// Replaces ${NAME}; "$${" stands for a literal "${". On failure the text says what is wrong.
bool interpolate(std::string_view text, std::string& out, std::string& problem) {
  while (!text.empty()) {
    if (text.starts_with("$${")) {
      out += "${";
      text.remove_prefix(3);
    } else if (text.starts_with("${")) {
      const auto end = text.find('}');
      const auto name = std::string{text.substr(2, end == std::string_view::npos ? 0 : end - 2)};
      if (!is_name(name)) return problem = "has a '${' without a variable name and '}'", false;
      const char* value = std::getenv(name.c_str());
      if (!value)
        return problem = fmt::format("uses ${{{}}}, which is not set in the environment", name), false;
      out += value;
      text.remove_prefix(end + 1);
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return true;
}

bool is_secret_scheme(std::string_view scheme) {
  static constexpr std::string_view known[] = {"file", "env", "cred", "keyring", "vault"};
  return std::find(std::begin(known), std::end(known), scheme) != std::end(known);
}

Result<std::string> read_text(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error) return fail(Code::invalid_request, fmt::format("cannot be read: {}", error.message()));
  if (size > kFileBytesMax) return fail(Code::invalid_request, "is larger than 1 MiB");
  std::ifstream in{file, std::ios::binary};
  std::string text(static_cast<std::size_t>(size), '\0');
  if (!in.read(text.data(), static_cast<std::streamsize>(size)))
    return fail(Code::invalid_request, "cannot be read");
  return text;
}

// The file itself, then conf.d/*.toml beside it in name order.
std::vector<std::filesystem::path> files_of(const std::filesystem::path& file,
                                            std::vector<Complaint>& complaints) {
  std::vector<std::filesystem::path> extra;
  const auto folder = file.parent_path() / "conf.d";
  std::error_code error;
  if (std::filesystem::exists(folder, error)) {
    for (std::filesystem::directory_iterator it{folder, error}, end; !error && it != end; it.increment(error))
      if (it->path().extension() == ".toml") extra.push_back(it->path());
  }
  if (error) complaints.push_back({folder.string(), 0, fmt::format("cannot be read: {}", error.message())});
  std::sort(extra.begin(), extra.end());
  extra.insert(extra.begin(), file);
  return extra;
}

}  // namespace

std::string Complaint::text() const {
  return line == 0 ? fmt::format("{}: {}", file, message) : fmt::format("{}:{}: {}", file, line, message);
}

struct Document::Impl {
  std::vector<std::string> files;
  Value root;
  std::deque<Value> absent;  // stand-ins for tables that nobody wrote
  std::vector<std::pair<Place, std::string>> complaints;

  void complain(Place place, std::string message) { complaints.emplace_back(place, std::move(message)); }

  std::optional<Complaint> add(std::string name, std::string_view text) {
    files.push_back(name);
    try {
      const toml::table parsed = toml::parse(text, std::string_view{name});
      Value value = from_toml(parsed, Place{files.size() - 1, 1, 0}, "");
      merge(root, std::move(value), "");
      return std::nullopt;
    } catch (const toml::parse_error& e) {
      return Complaint{std::move(name), e.source().begin.line, std::string{e.description()}};
    }
  }

  Value from_toml(const toml::node& node, Place place, const std::string& path) {
    Value value;
    value.place = place;
    if (const auto* table = node.as_table()) {
      for (const auto& [key, child] : *table) {
        const auto where = key.source().begin;
        const Place here{place.file, where.line, where.column};
        value.members.push_back({std::string{key.str()}, from_toml(child, here, dotted(path, key.str()))});
      }
      std::stable_sort(value.members.begin(), value.members.end(),
                       [](const Member& a, const Member& b) { return a.value.place < b.value.place; });
    } else if (const auto* list = node.as_array()) {
      value.kind = Kind::list;
      for (const auto& child : *list) {
        const auto where = child.source().begin;
        value.items.push_back(from_toml(child, Place{place.file, where.line, where.column}, path));
      }
    } else if (const auto* text = node.as_string()) {
      value.kind = Kind::string;
      std::string problem;
      if (!interpolate(text->get(), value.text, problem))
        complain(place, fmt::format("'{}' {}", path, problem));
    } else if (const auto* integer = node.as_integer()) {
      value.kind = Kind::integer;
      value.integer = integer->get();
    } else if (const auto* number = node.as_floating_point()) {
      value.kind = Kind::number;
      value.number = number->get();
    } else if (const auto* boolean = node.as_boolean()) {
      value.kind = Kind::boolean;
      value.boolean = boolean->get();
    } else {
      value.kind = Kind::date;
    }
    return value;
  }

  // Tables join, lists of tables append, everything else is replaced by the later file.
  void merge(Value& into, Value from, const std::string& path) {
    for (auto& member : from.members) {
      const auto name = dotted(path, member.key);
      Member* mine = find_member(into, member.key);
      if (!mine) {
        into.members.push_back(std::move(member));
      } else if (mine->value.kind == Kind::table && member.value.kind == Kind::table) {
        merge(mine->value, std::move(member.value), name);
      } else if (mine->value.kind == Kind::table || member.value.kind == Kind::table) {
        complain(member.value.place,
                 fmt::format("'{}' is a table in one file and a value in another (see {}:{})", name,
                             files[mine->value.place.file], mine->value.place.line));
      } else if (is_table_list(mine->value) && is_table_list(member.value)) {
        for (auto& item : member.value.items) mine->value.items.push_back(std::move(item));
      } else {
        mine->value = std::move(member.value);
      }
    }
  }

  void complain_unknown(const Value& table, const std::string& path) {
    const std::vector<std::string> known{table.asked.begin(), table.asked.end()};
    for (const auto& member : table.members) {
      const auto name = dotted(path, member.key);
      if (!table.asked.contains(member.key)) {
        const auto near = nearest(member.key, known);
        complain(member.value.place,
                 near ? fmt::format("'{}' is not known here; did you mean '{}'?", name, *near)
                      : fmt::format("'{}' is not known here", name));
      } else if (!member.refused && member.value.kind == Kind::table) {
        complain_unknown(member.value, name);
      } else if (!member.refused && is_table_list(member.value)) {
        for (const auto& item : member.value.items) complain_unknown(item, name);
      }
    }
  }
};

Result<Document> Document::load(const std::filesystem::path& file) {
  auto impl = std::make_shared<Impl>();
  std::vector<Complaint> complaints;
  for (const auto& path : files_of(file, complaints)) {
    auto text = read_text(path);
    if (!text) {
      complaints.push_back({path.string(), 0, text.error().message});
    } else if (auto complaint = impl->add(path.string(), *text)) {
      complaints.push_back(std::move(*complaint));
    }
  }
  if (!complaints.empty()) return as_error(complaints);
  return Document{std::move(impl)};
}

Result<Document> Document::parse(std::string_view text, std::string name) {
  auto impl = std::make_shared<Impl>();
  if (auto complaint = impl->add(std::move(name), text)) return as_error({std::move(*complaint)});
  return Document{std::move(impl)};
}

std::vector<Complaint> Document::finish() {
  const auto before = impl_->complaints.size();
  impl_->complain_unknown(impl_->root, "");
  auto found = impl_->complaints;
  impl_->complaints.resize(before);  // unknown keys are computed anew should finish() be called again
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<Complaint> out;
  for (auto& [place, message] : found)
    out.push_back({impl_->files[place.file], place.line, std::move(message)});
  return out;
}

struct Table::Node {
  std::shared_ptr<Document::Impl> document;
  Value* value;
  std::string path;

  // The member of this name when it has the right kind. Every name asked for becomes a known one.
  Value* find(std::string_view key, std::initializer_list<Kind> kinds, std::string_view what) {
    value->asked.emplace(key);
    Member* member = find_member(*value, key);
    if (!member) return nullptr;
    if (std::find(kinds.begin(), kinds.end(), member->value.kind) != kinds.end()) return &member->value;
    refuse(*member, what);
    return nullptr;
  }
  void refuse(Member& member, std::string_view what) {
    member.refused = true;
    complain(member.value.place, member.key, fmt::format("must be {}", what));
  }
  void complain(Place place, std::string_view key, std::string_view message) {
    document->complain(place, fmt::format("'{}' {}", dotted(path, key), message));
  }
  Table child(Value& table, std::string_view key) {
    return Table{std::make_shared<Node>(Node{document, &table, dotted(path, key)})};
  }
};

Table Document::root() { return Table{std::make_shared<Table::Node>(Table::Node{impl_, &impl_->root, ""})}; }

void Table::complain(std::string_view key, std::string message) {
  const Member* member = find_member(*node_->value, key);
  node_->complain(member ? member->value.place : node_->value->place, key, message);
}

std::string Table::str(std::string_view key, std::string fallback) {
  const Value* value = node_->find(key, {Kind::string}, "a string");
  return value ? value->text : std::move(fallback);
}

std::string Table::required_str(std::string_view key) {
  const Value* value = node_->find(key, {Kind::string}, "a string");
  if (value && !value->text.empty()) return value->text;
  if (value) complain(key, "must not be empty");
  if (!find_member(*node_->value, key)) complain(key, "is missing");
  return {};
}

std::int64_t Table::integer(std::string_view key, std::int64_t fallback, std::int64_t min, std::int64_t max) {
  const auto what = fmt::format("a whole number from {} to {}", min, max);
  const Value* value = node_->find(key, {Kind::integer}, what);
  if (!value) return fallback;
  if (value->integer >= min && value->integer <= max) return value->integer;
  complain(key, fmt::format("must be {}", what));
  return fallback;
}

bool Table::boolean(std::string_view key, bool fallback) {
  const Value* value = node_->find(key, {Kind::boolean}, "true or false");
  return value ? value->boolean : fallback;
}

double Table::number(std::string_view key, double fallback, double min, double max) {
  const auto what = fmt::format("a number from {} to {}", min, max);
  const Value* value = node_->find(key, {Kind::number, Kind::integer}, what);
  if (!value) return fallback;
  const double number = value->kind == Kind::integer ? static_cast<double>(value->integer) : value->number;
  if (number >= min && number <= max) return number;
  complain(key, fmt::format("must be {}", what));
  return fallback;
}

std::chrono::microseconds Table::duration(std::string_view key, std::chrono::microseconds fallback) {
  constexpr auto what = "a duration with a unit, such as \"500ms\", \"30s\", \"10m\" or \"4h\"";
  const Value* value = node_->find(key, {Kind::string}, what);
  if (!value) return fallback;
  if (const auto duration = parse_duration(value->text)) return *duration;
  complain(key, fmt::format("must be {}", what));
  return fallback;
}

std::uint64_t Table::size(std::string_view key, std::uint64_t fallback) {
  constexpr auto what = "a size with a unit, such as \"512KB\", \"64MB\" or \"1GiB\"";
  const Value* value = node_->find(key, {Kind::string}, what);
  if (!value) return fallback;
  if (const auto size = parse_size(value->text)) return *size;
  complain(key, fmt::format("must be {}", what));
  return fallback;
}

SecretRef Table::secret(std::string_view key) {
  // The value is never repeated: it may be the secret itself, written here by mistake.
  constexpr auto what =
      "a reference to where the secret is kept (file:PATH, env:NAME, cred:NAME, keyring:NAME or vault:NAME), "
      "never the secret itself";
  const Value* value = node_->find(key, {Kind::string}, what);
  if (!value) return {};
  const auto colon = value->text.find(':');
  if (colon != std::string::npos && colon + 1 < value->text.size()) {
    SecretRef reference{value->text.substr(0, colon), value->text.substr(colon + 1)};
    if (is_secret_scheme(reference.scheme)) return reference;
  }
  complain(key, fmt::format("must be {}", what));
  return {};
}

std::vector<std::string> Table::strings(std::string_view key) {
  constexpr auto what = "a list of strings";
  const Value* value = node_->find(key, {Kind::list}, what);
  if (!value) return {};
  std::vector<std::string> out;
  for (const auto& item : value->items) {
    if (item.kind != Kind::string) {
      complain(key, fmt::format("must be {}", what));
      return {};
    }
    out.push_back(item.text);
  }
  return out;
}

std::string Table::choice(std::string_view key, std::string fallback,
                          std::initializer_list<std::string_view> allowed) {
  const auto what = fmt::format("one of {}", fmt::join(allowed, ", "));
  const Value* value = node_->find(key, {Kind::string}, what);
  if (!value) return fallback;
  if (std::find(allowed.begin(), allowed.end(), value->text) != allowed.end()) return value->text;
  complain(key, fmt::format("must be {}", what));
  return fallback;
}

bool Table::has(std::string_view key) const {
  node_->value->asked.emplace(key);
  return find_member(*node_->value, key) != nullptr;
}

Table Table::table(std::string_view key) {
  Value* value = node_->find(key, {Kind::table}, "a table");
  if (!value) {
    value = &node_->document->absent.emplace_back();
    value->place = node_->value->place;
  }
  return node_->child(*value, key);
}

std::vector<Table> Table::tables(std::string_view key) {
  Value* value = node_->find(key, {Kind::list}, "a list of tables");
  if (!value) return {};
  if (!is_table_list(*value)) {
    node_->refuse(*find_member(*node_->value, key), "a list of tables");
    return {};
  }
  std::vector<Table> out;
  for (auto& item : value->items) out.push_back(node_->child(item, key));
  return out;
}

std::vector<std::pair<std::string, Table>> Table::named_tables(std::string_view key) {
  Value* group = node_->find(key, {Kind::table}, "a table of tables");
  if (!group) return {};
  auto group_node = node_->child(*group, key).node_;
  std::vector<std::pair<std::string, Table>> out;
  for (const auto& member : group->members)
    if (Value* table = group_node->find(member.key, {Kind::table}, "a table"))
      out.emplace_back(member.key, group_node->child(*table, member.key));
  return out;
}

Error as_error(const std::vector<Complaint>& complaints) {
  std::vector<std::string> lines;
  for (const auto& complaint : complaints) lines.push_back(complaint.text());
  return fail(Code::invalid_request, join(lines, "\n"));
}

}  // namespace vmc::config
