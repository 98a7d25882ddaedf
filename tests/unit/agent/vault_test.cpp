#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include <catch2/catch.hpp>

#include "agent/vault.hpp"
#include "agent/vault_format.hpp"
#include "crypto/aead.hpp"
#include "crypto/hash.hpp"
#include "support/show_result.hpp"

using namespace vmc;
using agent::Vault;
using agent::VaultSettings;
using crypto::Secret;

namespace {

// A vault's folder that is gone when the test ends.
struct Place {
  std::filesystem::path folder;
  VaultSettings settings;

  Place() {
    char name[] = "/tmp/vmc-vault-XXXXXX";
    folder = mkdtemp(name);
    settings = {
        folder / "state" / "vault", folder / "state" / "vault.key", {"machine-1", "hardware-1", "debian 12"}};
  }
  ~Place() { std::filesystem::remove_all(folder); }
};

Bytes read_file(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}
void write_file(const std::filesystem::path& file, ByteView bytes) {
  std::ofstream{file, std::ios::binary | std::ios::trunc}.write(reinterpret_cast<const char*>(bytes.data()),
                                                                static_cast<std::streamsize>(bytes.size()));
}
mode_t mode_of(const std::filesystem::path& file) {
  struct stat facts {};
  REQUIRE(stat(file.c_str(), &facts) == 0);
  return facts.st_mode & 0777;
}

Vault open_vault(const VaultSettings& settings) {
  auto vault = Vault::open(settings);
  if (!vault) FAIL(vault.error().text());
  return std::move(*vault);
}
std::string text_of(Vault& vault, std::string_view id) {
  const auto secret = vault.get(id);
  return secret ? std::string{secret->text()} : std::string{secret.error().name()};
}
Code refusal(const VaultSettings& settings) {
  const auto vault = Vault::open(settings);
  REQUIRE_FALSE(vault);
  INFO(vault.error().text());
  CHECK(!vault.error().next().empty());
  return vault.error().code;
}

// A vault in memory under a known key: what the format promises needs neither files nor a slow key.
struct Sealed {
  Secret key{ByteView{crypto::random_bytes(32)}};
  Secret data_key{ByteView{crypto::random_bytes(32)}};
  agent::VaultFile vault;

  Sealed() {
    agent::VaultWrap wrap;
    wrap.kind = static_cast<std::uint8_t>(agent::WrapKind::machine);
    wrap.iterations = 600'000;
    crypto::random_bytes(std::span{wrap.salt});
    agent::seal_data_key(wrap, key, data_key);
    vault.wraps.push_back(wrap);
  }
  void put(const std::string& id, std::uint64_t version, std::string_view text) {
    vault.records[id] = {version, agent::seal_record(data_key, id, version, Secret::from_text(text))};
  }
  Result<agent::VaultFile> read(ByteView bytes) const {
    VMC_TRY(wraps, agent::read_wraps(bytes));
    const auto* wrap = agent::find_wrap(wraps, agent::WrapKind::machine);
    if (!wrap) return fail(Code::vault_decrypt_error, "no wrap");
    VMC_TRY(opened, agent::open_data_key(*wrap, key));
    return agent::read_vault(bytes, opened);
  }
};

}  // namespace

TEST_CASE("a vault keeps secrets across openings, and only its user may read the files") {
  Place place;
  {
    auto vault = open_vault(place.settings);
    CHECK(vault.ids()->empty());
    REQUIRE(vault.put("connection/erp", Secret::from_text("p\xc3\xa4ssword")));
    REQUIRE(vault.put("empty", Secret{}));
    REQUIRE(vault.put("connection/erp", Secret::from_text("newer")));
    REQUIRE(vault.put("gone", Secret::from_text("x")));
    REQUIRE(vault.remove("gone"));
    CHECK(text_of(vault, "connection/erp") == "newer");
  }
  auto vault = open_vault(place.settings);

  CHECK(*vault.ids() == std::vector<std::string>{"connection/erp", "empty"});
  CHECK(text_of(vault, "connection/erp") == "newer");
  CHECK(text_of(vault, "empty").empty());
  CHECK(text_of(vault, "gone") == "NOT_FOUND");
  CHECK(vault.remove("gone").error().code == Code::not_found);
  CHECK(mode_of(place.settings.file) == 0600);
  CHECK(mode_of(place.settings.key_file) == 0600);
  CHECK(mode_of(place.settings.file.parent_path()) == 0700);
  CHECK(read_file(place.settings.key_file).size() == 32);
}

TEST_CASE("neither secrets nor their names stand in the file") {
  Place place;
  auto vault = open_vault(place.settings);
  REQUIRE(vault.put("connection/erp", Secret::from_text("canary-secret")));
  const auto bytes = read_file(place.settings.file);
  CHECK(as_text(bytes).find("canary-secret") == std::string_view::npos);
  CHECK(as_text(bytes).find("connection/erp") == std::string_view::npos);
}

TEST_CASE("another machine, another key file and a missing key file are VAULT_DECRYPT_ERROR") {
  Place place;
  open_vault(place.settings);
  const auto key = read_file(place.settings.key_file);

  auto elsewhere = place.settings;
  elsewhere.machine.machine_id = "machine-2";
  CHECK(refusal(elsewhere) == Code::vault_decrypt_error);
  elsewhere = place.settings;
  elsewhere.machine.hardware_id = "hardware-2";
  CHECK(refusal(elsewhere) == Code::vault_decrypt_error);
  elsewhere.machine.hardware_id.clear();
  CHECK(refusal(elsewhere) == Code::vault_decrypt_error);

  write_file(place.settings.key_file, crypto::random_bytes(32));
  CHECK(refusal(place.settings) == Code::vault_decrypt_error);
  write_file(place.settings.key_file, Bytes(31));
  CHECK(refusal(place.settings) == Code::vault_decrypt_error);
  write_file(place.settings.key_file, {});
  CHECK(refusal(place.settings) == Code::vault_decrypt_error);
  std::filesystem::remove(place.settings.key_file);
  CHECK(refusal(place.settings) == Code::vault_decrypt_error);
  CHECK_FALSE(std::filesystem::exists(place.settings.key_file));

  write_file(place.settings.key_file, key);
  chmod(place.settings.key_file.c_str(), 0600);
  open_vault(place.settings);
}

TEST_CASE("an upgrade of the operating system and a hardware id learnt later lock nobody out") {
  Place place;
  place.settings.machine = {"machine-1", "", "debian 12"};
  {
    auto vault = open_vault(place.settings);
    REQUIRE(vault.put("a", Secret::from_text("secret")));
  }
  place.settings.machine = {"machine-1", "hardware-1", "debian 13"};
  auto vault = open_vault(place.settings);
  CHECK(text_of(vault, "a") == "secret");
}

TEST_CASE("a key file that others may read is refused with what to do") {
  Place place;
  open_vault(place.settings);
  for (const mode_t mode : {0640, 0604, 0660, 0644}) {
    chmod(place.settings.key_file.c_str(), mode);
    const auto vault = Vault::open(place.settings);
    REQUIRE_FALSE(vault);
    CHECK(vault.error().code == Code::forbidden);
    CHECK(vault.error().hint.find("chmod 600") != std::string::npos);
  }
}

TEST_CASE("a damaged file is told apart from a foreign machine") {
  Place place;
  {
    auto vault = open_vault(place.settings);
    REQUIRE(vault.put("a", Secret::from_text("first")));
    REQUIRE(vault.put("b", Secret::from_text("second")));
  }
  const auto good = read_file(place.settings.file);
  const auto with = [&](std::size_t at) {
    auto bad = good;
    bad.at(at) ^= 0x40;
    write_file(place.settings.file, bad);
  };

  with(0);  // the magic
  CHECK(refusal(place.settings) == Code::buffer_integrity);
  with(30);  // the salt
  CHECK(refusal(place.settings) == Code::buffer_integrity);
  with(100);  // the sealed data key
  CHECK(refusal(place.settings) == Code::buffer_integrity);
  with(190);  // the index
  CHECK(refusal(place.settings) == Code::buffer_integrity);
  write_file(place.settings.file, {});
  CHECK(refusal(place.settings) == Code::buffer_integrity);

  with(good.size() - 1);  // the last record: the others go on working, also after a change
  auto vault = open_vault(place.settings);
  CHECK(text_of(vault, "a") == "first");
  CHECK(text_of(vault, "b") == "BUFFER_INTEGRITY");
  REQUIRE(vault.put("c", Secret::from_text("third")));
  CHECK(text_of(vault, "b") == "BUFFER_INTEGRITY");
  REQUIRE(vault.put("b", Secret::from_text("again")));
  CHECK(text_of(vault, "b") == "again");
}

TEST_CASE("ids and secrets beyond the limits are refused") {
  Place place;
  auto vault = open_vault(place.settings);
  for (const auto& id : std::vector<std::string>{"", "a b", "a\n", "\xc3\xa4", std::string(129, 'a')}) {
    CHECK(vault.put(id, Secret::from_text("x")).error().code == Code::invalid_request);
    CHECK(vault.get(id).error().code == Code::invalid_request);
    CHECK(vault.remove(id).error().code == Code::invalid_request);
  }
  CHECK(vault.put("a", Secret{agent::kVaultSecretMax + 1}).error().code == Code::invalid_request);
  CHECK(vault.put("a", Secret{agent::kVaultSecretMax}));
}

TEST_CASE("two openings of one vault see each other's changes and lose none") {
  Place place;
  auto first = open_vault(place.settings);
  auto second = open_vault(place.settings);
  const auto fill = [](Vault& vault, const std::string& name) {
    for (int i = 0; i < 20; ++i)
      if (!vault.put(name + std::to_string(i), Secret::from_text(name))) std::abort();
  };
  std::thread one{[&] { fill(first, "one"); }}, two{[&] { fill(second, "two"); }},
      three{[&] { fill(second, "three"); }};
  one.join(), two.join(), three.join();

  CHECK(first.ids()->size() == 60);
  CHECK(*first.ids() == *second.ids());
  CHECK(text_of(first, "two19") == "two");
  CHECK(text_of(second, "one0") == "one");
}

TEST_CASE("a vault replaced by another one of this machine is opened anew") {
  Place place;
  auto vault = open_vault(place.settings);
  REQUIRE(vault.put("a", Secret::from_text("old")));
  std::filesystem::remove(place.settings.file);
  CHECK(vault.get("a").error().code == Code::internal);
  auto replacement = open_vault(place.settings);
  REQUIRE(replacement.put("a", Secret::from_text("new")));
  CHECK(text_of(vault, "a") == "new");
}

// Not a case by itself: what the crash cases below run as a process of their own.
TEST_CASE("the child of the crash cases changes a secret", "[.vault-child]") {
  auto vault =
      open_vault({getenv("VMC_TEST_VAULT"), getenv("VMC_TEST_VAULT_KEY"), {"machine-1", "hardware-1", ""}});
  REQUIRE(vault.put("a", Secret::from_text("new")));
}

TEST_CASE("kill -9 at any point of a change leaves the old or the new secret, whole") {
  Place place;
  {
    auto vault = open_vault(place.settings);
    REQUIRE(vault.put("a", Secret::from_text("old")));
  }
  const std::pair<const char*, std::string> cases[] = {
      {"vault.temp_written", "old"}, {"vault.renamed", "new"}, {"vault.temp_written", "new"}};
  for (const auto& [point, expected] : cases) {
    CAPTURE(point);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      setenv("VMC_CRASH_AT", point, 1);
      setenv("VMC_TEST_VAULT", place.settings.file.c_str(), 1);
      setenv("VMC_TEST_VAULT_KEY", place.settings.key_file.c_str(), 1);
      const int quiet = open("/dev/null", O_WRONLY);
      dup2(quiet, 1);
      dup2(quiet, 2);
      execl("/proc/self/exe", "test", "[.vault-child]", nullptr);
      _exit(127);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGKILL);
    auto vault = open_vault(place.settings);
    CHECK(text_of(vault, "a") == expected);
  }
}

TEST_CASE("records that are swapped or put back from an older file do not open") {
  Sealed sealed;
  sealed.put("a", 1, "first of a");
  const auto older = sealed.vault.records["a"].sealed;
  sealed.put("a", 2, "second of a");
  sealed.put("b", 2, "second of b");
  const auto opens = [&](const char* id) {
    const auto file = agent::write_vault(sealed.vault, sealed.data_key);
    const auto vault = sealed.read(file);
    REQUIRE(vault);
    return agent::open_record(sealed.data_key, id, vault->records.at(id)).has_value();
  };

  CHECK(opens("a"));
  CHECK(opens("b"));
  std::swap(sealed.vault.records["a"].sealed, sealed.vault.records["b"].sealed);
  CHECK_FALSE(opens("a"));
  CHECK_FALSE(opens("b"));
  sealed.vault.records["a"].sealed = older;
  CHECK_FALSE(opens("a"));
}

TEST_CASE("wraps of another kind are carried along beside the machine's") {
  Sealed sealed;
  agent::VaultWrap recovery;
  recovery.kind = 2;
  recovery.iterations = 5;
  recovery.salt.fill(7);
  sealed.vault.wraps.insert(sealed.vault.wraps.begin(), recovery);
  sealed.put("a", 1, "text");

  const auto file = agent::write_vault(sealed.vault, sealed.data_key);
  const auto vault = sealed.read(file);
  REQUIRE(vault);
  REQUIRE(vault->wraps.size() == 2);
  CHECK(vault->wraps[0].kind == 2);
  CHECK(vault->wraps[0].salt == recovery.salt);
}

TEST_CASE("a file of a newer format asks for a newer program") {
  Sealed sealed;
  auto file = agent::write_vault(sealed.vault, sealed.data_key);
  file[9] = 2;
  const auto covered = ByteView{file}.first(12 + 116);
  const auto checksum = crypto::sha256(covered);
  std::copy(checksum.begin(), checksum.end(), file.begin() + 12 + 116);
  CHECK(sealed.read(file).error().code == Code::unavailable);
}

namespace {

// One of the ways in which disks and people damage files.
Bytes damage(Bytes file, std::mt19937& random) {
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random);
  };
  switch (below(5)) {
    case 0:
    case 1:
      for (auto flips = 1 + below(64); flips > 0; --flips)
        file[below(file.size())] ^= static_cast<std::uint8_t>(1 << below(8));
      break;
    case 2:
      file.resize(below(file.size()));
      break;
    case 3: {
      const auto from = below(file.size());
      const auto size = std::min<std::size_t>(file.size() - from, 1 + below(512));
      std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(from), size, std::uint8_t{0});
      break;
    }
    default:
      for (auto more = 1 + below(64); more > 0; --more) file.push_back(static_cast<std::uint8_t>(below(256)));
  }
  return file;
}

}  // namespace

TEST_CASE("10,000 damaged files never crash and never yield a wrong secret") {
  Sealed sealed;
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 20; ++i) {
    const auto id = "connection/" + std::to_string(i);
    expected[id] = "secret number " + std::to_string(i) + std::string(static_cast<std::size_t>(i) * 7, 'x');
    sealed.put(id, static_cast<std::uint64_t>(i) + 1, expected[id]);
  }
  const auto good = agent::write_vault(sealed.vault, sealed.data_key);
  std::mt19937 random{20240131};
  int refused = 0, bad_records = 0, good_records = 0;

  for (int round = 0; round < 10'000; ++round) {
    const auto file = damage(good, random);
    const auto vault = sealed.read(file);
    if (!vault) {
      ++refused;
      REQUIRE(vault.error().code == Code::buffer_integrity);
      continue;
    }
    for (const auto& [id, text] : expected) {
      const auto secret = agent::open_record(sealed.data_key, id, vault->records.at(id));
      if (secret && secret->text() != text) FAIL("a wrong secret in round " << round);
      ++(secret ? good_records : bad_records);
    }
  }

  CHECK(refused > 1000);
  CHECK(bad_records > 1000);
  CHECK(good_records > 1000);
}
