#include "core/config_edit.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <vector>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace vmc::config {
namespace {

namespace fs = std::filesystem;

Error by_hand(const Change& change) {
  return fail(Code::conflict,
              fmt::format("'{}' of '{}' is written in a way that is not changed here", change.key, change.id),
              "Change it in the file by hand.");
}

toml::table* entry_of(toml::table& document, const Change& change) {
  auto* list = document[change.list].as_array();
  if (!list) return nullptr;
  for (auto& node : *list)
    if (auto* table = node.as_table(); table && (*table)["id"].value<std::string>() == change.id) return table;
  return nullptr;
}

// toml++ counts lines and code points from 1.
std::size_t place_of(std::string_view text, toml::source_position position) {
  std::size_t at = 0;
  for (toml::source_index line = 1; line < position.line; ++line) {
    at = text.find('\n', at);
    if (at == std::string_view::npos) return text.size();
    ++at;
  }
  for (toml::source_index column = 1; column < position.column && at < text.size(); ++column) do
      ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80);
  return at;
}

std::string replaced(std::string_view text, const toml::source_region& region, std::string_view value) {
  const auto begin = place_of(text, region.begin), end = std::max(begin, place_of(text, region.end));
  return fmt::format("{}{}{}", text.substr(0, begin), value, text.substr(end));
}

std::string added(std::string_view text, const toml::source_region& id, const Change& change) {
  const auto end = text.find('\n', place_of(text, id.begin));
  const auto before = text.substr(0, end == std::string_view::npos ? text.size() : end);
  const auto after = end == std::string_view::npos ? std::string_view{"\n"} : text.substr(end);
  return fmt::format("{}\n{} = {}{}", before, change.key, change.value, after);
}

Result<std::string> read_whole(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  if (!in) return fail(Code::not_found, fmt::format("cannot read {}", file.string()));
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Aside, with the permissions of the one before, then swapped in.
Result<void> replace_file(const fs::path& file, const std::string& text) {
  struct stat before {};
  const auto target = fs::canonical(file), aside = fs::path{target.string() + ".new"};
  const auto failed = [&] {
    unlink(aside.c_str());
    return fail(Code::unavailable, fmt::format("cannot write {}", file.string()), "Check the folder's permissions.");
  };
  if (stat(target.c_str(), &before) != 0) return failed();
  const int fd = open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failed();
  const bool owned = fchown(fd, before.st_uid, before.st_gid) == 0 && fchmod(fd, before.st_mode & 07777) == 0;
  const bool written =
      owned && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  close(fd);
  if (!written || std::rename(aside.c_str(), target.c_str()) != 0) return failed();
  return {};
}

std::vector<fs::path> files_of(const fs::path& file) {
  std::vector<fs::path> files{file};
  std::error_code ec;
  std::vector<fs::path> extra;
  for (const auto& entry : fs::directory_iterator{file.parent_path() / "conf.d", ec})
    if (entry.path().extension() == ".toml") extra.push_back(entry.path());
  std::sort(extra.begin(), extra.end());
  files.insert(files.end(), extra.begin(), extra.end());
  return files;
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (text.substr(i).starts_with("${")) out.push_back('$');  // it stands for itself, not for the environment
    if (c == '"' || c == '\\') out.push_back('\\');
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04x}", static_cast<int>(c));
    else
      out.push_back(c);
  }
  return out + "\"";
}

Result<std::string> with_change(std::string_view text, const Change& change) {
  try {
    auto document = toml::parse(text);
    auto* entry = entry_of(document, change);
    if (!entry) return fail(Code::not_found, fmt::format("there is no entry '{}'", change.id));
    const auto* old = entry->get(change.key);
    if (entry->is_inline()) return by_hand(change);
    const auto edited =
        old ? replaced(text, old->source(), change.value) : added(text, entry->get("id")->source(), change);
    // What came out must differ in nothing but that value.
    auto value = toml::parse(fmt::format("value = {}", change.value));
    entry->insert_or_assign(change.key, std::move(*value.get("value")));
    auto again = toml::parse(edited);
    if (again != document) return by_hand(change);
    return edited;
  } catch (const toml::parse_error&) {
    return by_hand(change);
  }
}

Result<fs::path> change_file(const fs::path& file, const Change& change) {
  for (const auto& one : files_of(file)) {
    VMC_TRY(text, read_whole(one));
    auto edited = with_change(text, change);
    if (!edited && edited.error().code == Code::not_found) continue;
    if (!edited)
      return fail(edited.error().code, fmt::format("{}: {}", one.string(), edited.error().message),
                  edited.error().hint);
    VMC_CHECK(replace_file(one, *edited));
    return one;
  }
  return fail(Code::not_found, fmt::format("no configuration file has an entry '{}'", change.id));
}

}  // namespace vmc::config
