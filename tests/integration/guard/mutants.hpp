// The guard's corpora, and statements made from theirs by small changes.
#pragma once

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

#include "core/json.hpp"

namespace vmc::test {

inline std::string text_of(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline std::filesystem::path corpus(const std::string& dialect) {
  return std::filesystem::path{VMC_SOURCE_DIR} / "tests/corpora/guard" / dialect;
}

inline std::vector<std::string> statements_of(const std::string& dialect) {
  std::vector<std::string> statements;
  for (const char* file : {"honest.ndjson", "private.ndjson", "escaping.ndjson"}) {
    std::ifstream in{corpus(dialect) / file};
    for (std::string line; std::getline(in, line);)
      statements.push_back(Json::parse(line).at("sql").get<std::string>());
  }
  REQUIRE(statements.size() > 1'000);
  return statements;
}

// Words, runs of blanks and single other characters.
inline std::vector<std::string> pieces_of(const std::string& statement) {
  const auto kind = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return std::isalnum(byte) || c == '_' || byte >= 0x80 ? 1 : std::isspace(byte) ? 2 : 3;
  };
  std::vector<std::string> pieces;
  for (const char c : statement) {
    if (!pieces.empty() && kind(c) != 3 && kind(pieces.back().back()) == kind(c)) pieces.back() += c;
    else pieces.push_back(std::string{c});
  }
  return pieces;
}

// A statement with a few pieces left out, doubled, exchanged, or taken from another one.
class Mutator {
 public:
  // `words`: taken for a piece now and then, instead of what other statements have there.
  Mutator(const std::vector<std::string>& statements, std::uint64_t seed, std::vector<std::string> words = {})
      : random_{seed}, words_{std::move(words)} {
    for (const auto& statement : statements)
      if (!statement.empty() && statement.size() < 1'000) pieces_.push_back(pieces_of(statement));
  }

  std::string next() {
    auto pieces = any(pieces_);
    for (auto changes = 1 + pick(3); changes-- > 0 && !pieces.empty();) {
      const auto at = pieces.begin() + static_cast<std::ptrdiff_t>(pick(pieces.size()));
      const auto& other = any(pieces_);
      switch (pick(words_.empty() ? 5 : 8)) {
        case 0:
          pieces.erase(at);
          break;
        case 1:
          pieces.insert(at, std::string{*at});
          break;
        case 2:
          *at = any(other);
          break;
        case 3:
          pieces.insert(at, " " + any(other) + " ");
          break;
        case 4: {
          const auto from = pick(other.size()), count = std::min(1 + pick(8), other.size() - from);
          pieces.insert(at, other.begin() + static_cast<std::ptrdiff_t>(from),
                        other.begin() + static_cast<std::ptrdiff_t>(from + count));
          break;
        }
        case 5:
          pieces.insert(at, " " + any(words_) + " ");
          break;
        default:
          *at = any(words_);
      }
    }
    std::string out;
    for (const auto& piece : pieces) out += piece;
    return out;
  }

 private:
  std::size_t pick(std::size_t below) { return std::uniform_int_distribution<std::size_t>{0, below - 1}(random_); }
  template <class T>
  const T& any(const std::vector<T>& list) {
    return list[pick(list.size())];
  }

  std::mt19937_64 random_;
  std::vector<std::string> words_;
  std::vector<std::vector<std::string>> pieces_;
};

inline std::uint64_t seed() {
  const char* given = std::getenv("VMC_SEED");
  const auto seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "seed " << seed << " (VMC_SEED repeats it)\n";
  return seed;
}

}  // namespace vmc::test
