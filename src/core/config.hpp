// Configuration: TOML files read into plain structs that stand beside the parts they configure.
//
// A part offers `Settings read_…(Table&)`; reading marks keys as known. All complaints of all files are
// collected, with file and line: wrong types, bad durations, unknown keys with the nearest known name.
// ${NAME} in a string is replaced from the environment after parsing ("$${" is a literal "${"); an unset name
// is a complaint. Values are never repeated in complaints: one may be a secret written in the wrong place.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace vmc::config {

struct Complaint {
  std::string file;
  std::uint32_t line = 0;
  std::string message;
  std::string text() const;  // "FILE:LINE: message"
};

// Where a secret is kept: "file:PATH", "env:NAME", "cred:NAME", "keyring:…", "vault:…". Never the secret.
struct SecretRef {
  std::string scheme;
  std::string rest;
  bool empty() const { return scheme.empty(); }
};

class Document;

// A view of one TOML table. Cheap to copy; lives as long as its Document.
class Table {
 public:
  std::string str(std::string_view key, std::string fallback = "");
  std::string required_str(std::string_view key);
  std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t min, std::int64_t max);
  bool boolean(std::string_view key, bool fallback);
  double number(std::string_view key, double fallback, double min, double max);
  std::chrono::microseconds duration(std::string_view key, std::chrono::microseconds fallback);
  std::uint64_t size(std::string_view key, std::uint64_t fallback);
  SecretRef secret(std::string_view key);
  std::vector<std::string> strings(std::string_view key);
  // One of `allowed`, else a complaint that lists them.
  std::string choice(std::string_view key, std::string fallback,
                     std::initializer_list<std::string_view> allowed);

  bool has(std::string_view key) const;
  Table table(std::string_view key);                                              // empty when absent
  std::vector<Table> tables(std::string_view key);                                // [[key]]
  std::vector<std::pair<std::string, Table>> named_tables(std::string_view key);  // [key.NAME]

  // `message` goes on after the name: "must not be empty". An empty key means the table itself.
  void complain(std::string_view key, std::string message);

 private:
  friend class Document;
  struct Node;
  explicit Table(std::shared_ptr<Node> node) : node_{std::move(node)} {}
  std::shared_ptr<Node> node_;
};

// One role's configuration: a file plus conf.d/*.toml beside it, merged in name order.
class Document {
 public:
  // INVALID_REQUEST with every complaint when a file cannot be read or is not TOML.
  static Result<Document> load(const std::filesystem::path& file);
  static Result<Document> parse(std::string_view text, std::string name);

  Table root();
  // Adds a complaint for every key nobody read, and returns all complaints in file order.
  std::vector<Complaint> finish();

 private:
  struct Impl;
  explicit Document(std::shared_ptr<Impl> impl) : impl_{std::move(impl)} {}
  std::shared_ptr<Impl> impl_;  // shared with the Tables handed out
  friend class Table;
};

// One INVALID_REQUEST that lists every complaint, a line each.
Error as_error(const std::vector<Complaint>& complaints);

}  // namespace vmc::config
