#include "sql/guard/sqlite/expansion.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string_view>

namespace vmc::sql::sqlite {
namespace {

using Weight = std::int64_t;

constexpr Weight kSelectWeight = 100;  // of a SELECT besides its tokens
constexpr Weight kArmsMax = 100'000;   // keep products
constexpr Weight kHuge = 1'000'000'000'000;  // and sums within 64 bits
constexpr std::size_t kItemsMax = 200;       // of one FROM; SQLite takes no more

// What it costs to mention a column.
struct Columns {
  std::map<std::string_view, Weight> named;
  Weight other = 1;  // of one that is not in `named`: an output without an alias, which its text may name

  Weight of(std::string_view name) const {
    const auto found = named.find(name);
    return found == named.end() ? other : found->second;
  }
  Weight most() const {
    Weight weight = other;
    for (const auto& [name, one] : named) weight = std::max(weight, one);
    return weight;
  }
  void add(std::string_view name, Weight weight) {
    auto& one = name.empty() ? other : named[name];
    one = std::max(one, weight);
  }
};

// A query, or something in FROM.
struct Made {
  Weight weight = 0;
  Weight arms = 1;  // what reads it is copied as often
  Columns columns{};
};

struct Scope {
  const Scope* outer;
  std::vector<Made> items{};
  Columns aliases{};  // of outputs
};

// The common table expressions of one WITH.
struct With {
  struct Table {
    const CommonTable* made;
    bool open = false;  // being measured: a recursive use is not copied
    bool used = false;
  };
  With* outer;
  std::map<std::string_view, Table> tables{};
};

// Walks the statement as SQLite would copy it, and stops where that goes too far.
class Measure {
 public:
  bool is_within(const Query& whole) {
    const auto made = query(whole, nullptr, nullptr);
    return !stopped_ && made.weight <= kWeightMax;
  }

 private:
  Made query(const Query& query, const Scope* outer, With* with) {
    Made made;
    if (stopped_ || ++depth_ > kExpandedDepthMax) {
      stopped_ = true;
      return made;
    }
    With inner{with};
    for (const auto& table : query.with) inner.tables[table.name].made = &table;
    made = body(query, outer, query.with.empty() ? with : &inner);
    // SQLite leaves out what is not used; the survey looks into it all the same.
    for (auto& [name, table] : inner.tables)
      if (!table.used) common_table(table, outer, &inner);
    --depth_;
    return made;
  }

  Made body(const Query& query, const Scope* outer, With* with) {
    Made made;
    made.arms = 0;
    auto rest = static_cast<Weight>(query.tokens);  // ORDER BY and LIMIT, in the end
    for (const auto& table : query.with) rest -= static_cast<Weight>(table.query->tokens);
    for (const auto& one : query.blocks) {
      Scope scope{outer};
      const auto arm = block(one, scope, with);
      rest -= static_cast<Weight>(one.tokens);
      made.weight += arm.weight;
      made.arms += arm.arms;
      if (&one == &query.blocks.front())
        made.columns = arm.columns;  // the first arm names them
      else
        raise(made.columns, arm.columns.most());
      for (const auto& use : query.order_by) made.weight += mention(use, scope, with);
    }
    made.weight += std::max(rest, Weight{0}) * static_cast<Weight>(query.blocks.size());
    made.weight = std::min(made.weight, kHuge);
    made.arms = std::min(made.arms, kArmsMax);
    return made;
  }

  Made block(const Block& block, Scope& scope, With* with) {
    Made made;
    walked_ += kSelectWeight + static_cast<Weight>(block.uses.size());
    if (walked_ > kWeightMax || block.items.size() > kItemsMax) stopped_ = true;
    if (stopped_) return made;
    auto own = static_cast<Weight>(block.tokens) + kSelectWeight;
    for (const auto& one : block.items) {
      scope.items.push_back(item(one, scope.outer, with));
      if (one.query) own -= static_cast<Weight>(one.query->tokens);
      made.arms = std::min(made.arms * scope.items.back().arms, kArmsMax);
    }
    own += outputs(block, scope, with, made.columns);
    for (auto i = outputs_end(block); i < block.uses.size(); ++i) own += mention(block.uses[i], scope, with);
    made.weight = std::min(own, kHuge) * made.arms;
    for (const auto& one : scope.items) made.weight += one.weight * (made.arms / one.arms);
    made.weight = std::min(made.weight, kHuge);
    made.arms = std::min(made.arms * static_cast<Weight>(block.rows), kArmsMax);
    return made;
  }

  static std::size_t outputs_end(const Block& block) {
    std::size_t end = 0;
    for (const auto& output : block.outputs) end = std::max(end, output.uses_end);
    return end;
  }

  // What they add to their tokens.
  Weight outputs(const Block& block, Scope& scope, With* with, Columns& columns) {
    Weight added = 0;
    std::size_t next = 0;
    for (const auto& output : block.outputs) {
      Weight mentioned = 0;
      if (output.kind == Output::Kind::star)
        for (const auto& one : scope.items) mentioned += all_of(one.columns, columns);
      for (; next < output.uses_end; ++next) mentioned += mention(block.uses[next], scope, with);
      added += mentioned;
      if (output.kind == Output::Kind::star) continue;
      const auto cost = std::min(static_cast<Weight>(output.tokens) + mentioned, kHuge);
      columns.add(output.name, cost);
      if (!output.name.empty()) scope.aliases.named[output.name] = cost;
    }
    return added;
  }

  static Weight all_of(const Columns& from, Columns& to) {
    Weight sum = 0;
    to.add({}, from.other);
    for (const auto& [name, weight] : from.named) {
      to.add(name, weight);
      sum += weight;
    }
    return sum;
  }

  Made item(const Item& item, const Scope* outer, With* with) {
    if (item.query) return query(*item.query, outer, with);
    if (item.kind != Item::Kind::table || item.path.size() > 1) return {};
    for (; with; with = with->outer) {
      const auto found = with->tables.find(item.path.front());
      if (found == with->tables.end()) continue;
      return found->second.open ? Made{} : common_table(found->second, outer, with);
    }
    return {};
  }

  Made common_table(With::Table& table, const Scope* outer, With* with) {
    table.open = table.used = true;
    auto made = query(*table.made->query, outer, with);
    table.open = false;
    const auto most = made.columns.most();
    if (!table.made->columns.empty()) made.columns = {{}, most};
    return made;
  }

  static void raise(Columns& columns, Weight weight) {
    columns.other = std::max(columns.other, weight);
    for (auto& [name, one] : columns.named) one = std::max(one, weight);
  }

  // What is put in the place of a name, or of a subquery, besides its own tokens. Where a name is found decides
  // nothing: the dearest counts.
  Weight mention(const Use& use, const Scope& scope, With* with) {
    if (stopped_) return 0;
    if (use.kind == Use::Kind::query)
      return query(*use.query, &scope, with).weight - static_cast<Weight>(use.query->tokens);
    if (use.kind != Use::Kind::column) return 0;
    const std::string_view name = use.path.back();
    Weight weight = use.alias == Use::Alias::never ? 0 : scope.aliases.of(name);
    for (const auto* level = &scope; level; level = level->outer)
      for (const auto& one : level->items) weight = std::max(weight, one.columns.of(name));
    return weight;
  }

  bool stopped_ = false;
  int depth_ = 0;
  Weight walked_ = 0;
};

}  // namespace

bool is_compilable(const Query& query) { return Measure{}.is_within(query); }

}  // namespace vmc::sql::sqlite
