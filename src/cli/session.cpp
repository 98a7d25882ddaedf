#include "cli/session.hpp"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "core/printable.hpp"
#include "core/text.hpp"

namespace vmc::cli {
namespace {

// Turns echo off while a secret is typed.
class NoEcho {
 public:
  NoEcho() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    auto quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  ~NoEcho() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

// Characters as a terminal counts them: UTF-8 continuation bytes take no column.
std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  for (char c : text)
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++count;
  return count;
}

}  // namespace

std::filesystem::path Session::state_folder() const {
  return state.empty() ? app::default_state_folder() : std::filesystem::path{state};
}

CLI::App* add_noun(CLI::App& root, const std::string& name, const std::string& summary) {
  auto* noun = root.add_subcommand(name, summary);
  noun->require_subcommand(1);
  noun->fallthrough();
  return noun;
}

CLI::App* add_verb(CLI::App& noun, Session& session, const std::string& name, const std::string& summary,
                   std::function<Result<int>()> run) {
  auto* verb = noun.add_subcommand(name, summary);
  verb->fallthrough();
  verb->callback([&session, run = std::move(run)] { session.action = run; });
  return verb;
}

void print_line(std::string_view text) { fmt::print("{}\n", printable(text, "\n\t")); }
void print_data(std::string_view line) { fmt::print("{}\n", line); }
void say(std::string_view text) { fmt::print(stderr, "{}\n", printable(text, "\n\t")); }
void print_json(const Json& json) {
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

void print_table(const std::vector<std::string>& header, std::vector<std::vector<std::string>> rows) {
  for (auto& row : rows)
    for (auto& cell : row) cell = printable(cell);
  std::vector<std::size_t> widths;
  for (const auto& title : header) widths.push_back(columns(title));
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
  auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      text += cells[i];
      if (i + 1 < cells.size()) text.append(widths[i] - columns(cells[i]) + 2, ' ');
    }
    print_line(text);
  };
  line(header);
  for (const auto& row : rows) line(row);
}

std::string text_of(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string time_of(const Json& micros) {
  if (!micros.is_number_integer()) return "never";
  return to_rfc3339(micros.get<std::int64_t>()).substr(0, 19) + "Z";
}

Result<crypto::Secret> read_secret(const std::string& prompt) {
  constexpr std::size_t kSecretMax = 64u << 10;
  const bool terminal = isatty(STDIN_FILENO) == 1;
  std::string text;
  {
    std::optional<NoEcho> quiet;
    if (terminal) {
      fmt::print(stderr, "{}: ", prompt);
      quiet.emplace();
    }
    text.reserve(kSecretMax);  // never grows: no copy is left behind
    for (int c = std::getchar(); c != EOF && c != '\n' && text.size() < kSecretMax; c = std::getchar())
      text.push_back(static_cast<char>(c));
  }
  if (terminal) say("");
  auto secret = crypto::Secret::from_text(trim(text));
  crypto::wipe(text);
  if (secret.empty()) return fail(Code::invalid_request, fmt::format("{}: nothing was entered", prompt));
  return secret;
}

Result<std::string> read_text_file(const std::string& file, std::size_t bytes_max) {
  std::ifstream opened;
  if (file != "-") opened.open(file, std::ios::binary);
  std::istream& in = file == "-" ? std::cin : opened;
  if (!in) return fail(Code::not_found, fmt::format("cannot read the file {}", file), "Check the path.");
  std::string text;
  std::array<char, 64 << 10> part;
  while (text.size() <= bytes_max && (in.read(part.data(), part.size()), in.gcount() > 0))
    text.append(part.data(), static_cast<std::size_t>(in.gcount()));
  if (text.size() > bytes_max)
    return fail(Code::invalid_request, fmt::format("{} has more than {} bytes", file, bytes_max));
  return text;
}

}  // namespace vmc::cli
