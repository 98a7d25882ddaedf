// Objects in a local folder.
//
// put() writes a file under .tmp/ and renames it, so that a name is there whole or not at all while the
// machine runs. Durable it becomes by sync(): the files written since (kept open, because a descriptor opened
// later may miss a write error), then every directory on the way that this process does not know to be
// durable.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "core/crash_point.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "store/fd.hpp"
#include "store/object_file.hpp"
#include "store/objects.hpp"

namespace vmc::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTemp = ".tmp";
constexpr std::size_t kSegmentsMax = 16;
constexpr std::size_t kNameBytesMax = 240;  // so that the file's name stays below the 255 of file systems
constexpr std::size_t kFolderSegments = 2;  // segments that are directories of their own
constexpr std::size_t kHeldOpenMax = 128;   // files written and not yet synced; beyond it put() syncs its own
constexpr std::size_t kDurableDirsMax = 8'192;  // remembered; forgetting one costs an fsync
constexpr auto kTempAgeMax = std::chrono::hours{1};

Error io_error(std::string_view what, int cause) {
  return fail(Code::unavailable, fmt::format("{}: {}", what, std::strerror(cause)));
}

bool is_segment(std::string_view text) {
  if (text.empty() || text.size() > 64 || text.front() == '.') return false;
  std::string without_dots{text};
  std::erase(without_dots, '.');
  return is_plain_id(without_dots);
}

Result<void> check_name(std::string_view name) {
  const auto segments = split(name, '/');
  if (name.empty() || name.size() > kNameBytesMax || segments.size() > kSegmentsMax ||
      !std::all_of(segments.begin(), segments.end(), is_segment))
    return fail(Code::invalid_request, "an object's name consists of plain ids separated by '/'");
  return {};
}

Result<void> check_prefix(std::string_view prefix) {
  if (prefix.ends_with('/') && check_name(prefix.substr(0, prefix.size() - 1))) return {};
  return fail(Code::invalid_request, "a prefix is a folder of plain ids and ends in '/'");
}

// "a/b/5c" -> "a/b" -> "a" -> "": the directory a directory stands in.
std::string parent(std::string_view dir) {
  const auto slash = dir.rfind('/');
  return std::string{slash == dir.npos ? std::string_view{} : dir.substr(0, slash)};
}

// FNV-1a, one byte of it: which bucket a name's third segment puts it in. Part of the format on the disk.
std::string bucket_of(std::string_view segment) {
  std::uint32_t hash = 2166136261u;
  for (const char c : segment) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619u;
  return fmt::format("{:02x}", (hash ^ hash >> 16 ^ hash >> 8) & 0xff);
}

struct Place {
  std::string dir;
  std::string file;
  std::string path() const { return dir.empty() ? file : fmt::format("{}/{}", dir, file); }
};

// The directory that holds everything below these segments.
std::string dir_of(std::span<const std::string> segments) {
  if (segments.size() <= kFolderSegments) return join(segments, "/");
  return fmt::format("{}/{}", join(segments.first(kFolderSegments), "/"),
                     bucket_of(segments[kFolderSegments]));
}

Place place_of(std::string_view name) {
  const auto segments = split(name, '/');
  const std::span all{segments};
  const auto folders = std::min(kFolderSegments, all.size() - 1);
  return {dir_of(folders < kFolderSegments ? all.first(folders) : all),
          "," + join(all.subspan(folders), ",")};
}

std::string dir_of_prefix(std::string_view prefix) {
  return dir_of(split(prefix.substr(0, prefix.size() - 1), '/'));
}

// The name behind a file that stands in this directory; nullopt for a file that is no object.
std::optional<std::string> name_at(std::string_view dir, std::string_view file) {
  if (!file.starts_with(',')) return std::nullopt;
  auto segments = split(dir, '/');
  if (dir.empty()) segments.clear();
  segments.resize(std::min(segments.size(), kFolderSegments));
  for (auto& part : split(file.substr(1), ',')) segments.push_back(std::move(part));
  auto name = join(segments, "/");
  if (!check_name(name)) return std::nullopt;
  return name;
}

// A file that was put and not yet synced. Shared between the table and the syncs that are at work on it.
class Written {
 public:
  Written(std::string name, Fd fd) : name_{std::move(name)}, fd_{std::move(fd)} {}

  // Once a sync has failed the kernel may have dropped the bytes: a second one would report a false success.
  Result<void> make_durable() {
    std::lock_guard lock{mutex_};
    if (state_ == State::fresh) {
      state_ = ::fdatasync(fd_.get()) == 0 ? State::durable : State::lost;
      cause_ = errno;
      fd_ = Fd{};
    }
    if (state_ == State::lost) return io_error("an object could not be made durable", cause_);
    return {};
  }
  const std::string& name() const { return name_; }

 private:
  enum class State { fresh, durable, lost };
  const std::string name_;
  std::mutex mutex_;
  Fd fd_;
  State state_ = State::fresh;
  int cause_ = 0;
};
using WrittenPtr = std::shared_ptr<Written>;

template <class Container>
auto range_of(Container& container, const std::string& prefix) {
  auto end = prefix;
  end.back() = '/' + 1;  // the first text that no longer has this prefix
  return std::pair{container.lower_bound(prefix), container.lower_bound(end)};
}

class FolderObjects final : public Objects {
 public:
  FolderObjects(std::string root, Pool& pool) : root_{std::move(root)}, pool_{pool} {}

  awaitable<Result<void>> put(std::string name, Bytes bytes) override {
    auto work = [&] { return put_now(name, bytes); };
    co_return co_await offload(pool_, work);
  }
  awaitable<Result<void>> sync(std::string prefix) override {
    auto work = [&] { return sync_now(prefix); };
    co_return co_await offload(pool_, work);
  }
  awaitable<Result<Bytes>> get(std::string name) override {
    auto work = [&] { return get_now(name); };
    co_return co_await offload(pool_, work);
  }
  awaitable<Result<std::vector<std::string>>> list(std::string prefix) override {
    auto work = [&] { return list_now(prefix); };
    co_return co_await offload(pool_, work);
  }
  awaitable<Result<void>> remove(std::string name) override {
    auto work = [&] { return remove_now(name); };
    co_return co_await offload(pool_, work);
  }
  awaitable<Result<void>> remove_all(std::string prefix) override {
    auto work = [&] { return remove_all_now(prefix); };
    co_return co_await offload(pool_, work);
  }

  // Files of puts that a crash cut off, and folders of removals likewise.
  void clean_temp() const {
    std::error_code ec;
    const auto oldest = fs::file_time_type::clock::now() - kTempAgeMax;
    for (const auto& entry : fs::directory_iterator{path(kTemp), ec}) {
      std::error_code ignored;  // another process may clean the same folder
      if (entry.is_directory(ignored) || entry.last_write_time(ignored) < oldest)
        fs::remove_all(entry.path(), ignored);
    }
    if (ec) log::warn("store", "unfinished objects could not be cleaned up", {{"error", ec.message()}});
  }

 private:
  std::string path(std::string_view name) const { return fmt::format("{}/{}", root_, name); }
  std::string temp_path() const {
    return fmt::format("{}/{}/{}", root_, kTemp, new_id("tmp", system_clock().now()));
  }

  Result<void> put_now(const std::string& name, const Bytes& bytes) {
    VMC_CHECK(check_name(name));
    if (bytes.size() > kObjectBytesMax)
      return fail(Code::invalid_request, "an object is at most 64 MiB large");
    const auto temp = temp_path();
    VMC_TRY(fd, write_object(temp, bytes));
    auto written = std::make_shared<Written>(name, std::move(fd));
    auto shown = show(temp, written);
    if (!shown) ::unlink(temp.c_str());
    return shown;
  }

  Result<void> show(const std::string& temp, const WrittenPtr& written) {
    // One lock over rename and table: with two puts of one name, the file seen is the one that is synced.
    std::lock_guard lock{mutex_};
    const auto& name = written->name();
    const bool full = pending_.size() >= kHeldOpenMax;
    if (full) VMC_CHECK(written->make_durable());
    const auto place = place_of(name);
    VMC_CHECK(rename_into_place(temp, place));
    crash_point("objects.put");
    pending_.erase(name);
    if (!full) pending_.emplace(name, written);
    ++changes_;
    dirty_dirs_[place.dir] = changes_;
    for (auto dir = place.dir; !dir.empty(); dir = parent(dir))
      if (!durable_dirs_.contains(dir)) dirty_dirs_[parent(dir)] = changes_;
    return {};
  }

  Result<void> rename_into_place(const std::string& temp, const Place& place) {
    const auto target = path(place.path());
    // Another process may remove the directory between our making it and the rename.
    for (int tries = 0; tries < 8; ++tries) {
      if (::rename(temp.c_str(), target.c_str()) == 0) return {};
      if (errno != ENOENT) break;
      VMC_CHECK(make_dirs(place.dir));
    }
    return io_error("an object cannot be put", errno);
  }

  Result<void> make_dirs(const std::string& dir) {
    for (auto slash = dir.find('/');; slash = dir.find('/', slash + 1)) {
      const auto step = dir.substr(0, slash);
      if (::mkdir(path(step).c_str(), 0700) == 0)
        durable_dirs_.erase(step);
      else if (errno != EEXIST && errno != ENOENT)
        return io_error("a folder of objects cannot be created", errno);
      if (slash == dir.npos) return {};
    }
  }

  Result<void> sync_now(const std::string& prefix) {
    VMC_CHECK(check_prefix(prefix));
    const auto below = dir_of_prefix(prefix) + '/';
    std::vector<WrittenPtr> files;
    std::map<std::string, std::uint64_t> dirs;
    {
      std::lock_guard lock{mutex_};
      const auto [first, last] = range_of(pending_, prefix);
      for (auto it = first; it != last; ++it) files.push_back(it->second);
      for (const auto& [dir, change] : dirty_dirs_)
        if ((dir + '/').starts_with(below) || below.starts_with(dir + '/') || dir.empty())
          dirs.emplace(dir, change);
    }
    Result<void> outcome;
    for (const auto& file : files) {
      if (auto durable = file->make_durable(); !durable) {
        drop_lost(file);
        outcome = durable.error();
      }
    }
    VMC_CHECK(outcome);
    for (const auto& [dir, change] : dirs) VMC_CHECK(sync_dir(dir));
    crash_point("objects.synced");
    settle(files, dirs);
    return {};
  }

  Result<void> sync_dir(const std::string& dir) const {
    const Fd fd{::open(path(dir).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!fd && errno == ENOENT) return {};  // removed meanwhile, with all that was in it
    if (!fd || ::fsync(fd.get()) != 0)
      return io_error("a folder of objects could not be made durable", errno);
    return {};
  }

  // Its place in the table stays, so that every sync fails until the name is put again or removed.
  void drop_lost(const WrittenPtr& file) {
    std::lock_guard lock{mutex_};
    const auto it = pending_.find(file->name());
    if (it != pending_.end() && it->second == file) ::unlink(path(place_of(file->name()).path()).c_str());
  }

  void settle(const std::vector<WrittenPtr>& files, const std::map<std::string, std::uint64_t>& dirs) {
    std::lock_guard lock{mutex_};
    for (const auto& file : files) {
      const auto it = pending_.find(file->name());
      if (it != pending_.end() && it->second == file) pending_.erase(it);
    }
    for (const auto& [dir, change] : dirs) {
      const auto it = dirty_dirs_.find(dir);
      if (it != dirty_dirs_.end() && it->second == change) dirty_dirs_.erase(it);
    }
    if (durable_dirs_.size() > kDurableDirsMax) durable_dirs_.clear();
    for (const auto& file : files)
      for (auto dir = place_of(file->name()).dir; !dir.empty(); dir = parent(dir))
        if (!dirty_dirs_.contains(parent(dir))) durable_dirs_.insert(dir);
  }

  Result<Bytes> get_now(const std::string& name) const {
    VMC_CHECK(check_name(name));
    return read_object(path(place_of(name).path()));
  }

  Result<std::vector<std::string>> list_now(const std::string& prefix) const {
    VMC_CHECK(check_prefix(prefix));
    std::vector<std::string> names;
    VMC_CHECK(collect(dir_of_prefix(prefix), names));
    // A bucket is shared with names of other prefixes.
    std::erase_if(names, [&](const std::string& name) { return !name.starts_with(prefix); });
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<void> collect(const std::string& dir, std::vector<std::string>& names) const {
    struct Close {
      void operator()(DIR* d) const { ::closedir(d); }
    };
    const std::unique_ptr<DIR, Close> opened{::opendir(path(dir).c_str())};
    if (!opened) {
      if (errno == ENOENT || errno == ENOTDIR) return {};
      return io_error("a folder of objects cannot be listed", errno);
    }
    std::vector<std::string> dirs;
    while (const dirent* entry = ::readdir(opened.get())) {
      const std::string_view file{entry->d_name};
      if (auto name = name_at(dir, file))
        names.push_back(std::move(*name));
      else if (is_segment(file))
        dirs.push_back(fmt::format("{}/{}", dir, file));
    }
    for (const auto& deeper : dirs) VMC_CHECK(collect(deeper, names));
    return {};
  }

  Result<void> remove_now(const std::string& name) {
    VMC_CHECK(check_name(name));
    std::lock_guard lock{mutex_};
    return unlink(name);
  }

  Result<void> unlink(const std::string& name) {
    if (::unlink(path(place_of(name).path()).c_str()) != 0 && errno != ENOENT && errno != ENOTDIR)
      return io_error("an object cannot be removed", errno);
    pending_.erase(name);
    return {};
  }

  Result<void> remove_all_now(const std::string& prefix) {
    VMC_CHECK(check_prefix(prefix));
    if (static_cast<std::size_t>(std::count(prefix.begin(), prefix.end(), '/')) <= kFolderSegments)
      return remove_dir(prefix);
    VMC_TRY(names, list_now(prefix));
    std::lock_guard lock{mutex_};
    for (const auto& name : names) VMC_CHECK(unlink(name));
    // Names that were lost to a failed sync have no file any more.
    const auto [first, last] = range_of(pending_, prefix);
    pending_.erase(first, last);
    return {};
  }

  // The directory disappears at once, by a rename; its contents follow outside the lock.
  Result<void> remove_dir(const std::string& prefix) {
    const auto dir = dir_of_prefix(prefix);
    const auto trash = temp_path();
    {
      std::lock_guard lock{mutex_};
      const bool gone = ::rename(path(dir).c_str(), trash.c_str()) == 0;
      if (!gone && errno != ENOENT && errno != ENOTDIR)
        return io_error("a folder of objects cannot be removed", errno);
      const auto [first, last] = range_of(pending_, prefix);
      pending_.erase(first, last);
      const auto [first_dir, last_dir] = range_of(durable_dirs_, dir + '/');
      durable_dirs_.erase(first_dir, last_dir);
      durable_dirs_.erase(dir);
      if (!gone) return {};
    }
    std::error_code ec;
    fs::remove_all(trash, ec);
    if (ec) return io_error("a folder of objects cannot be removed", ec.value());
    return {};
  }

  const std::string root_;
  Pool& pool_;
  std::mutex mutex_;
  std::map<std::string, WrittenPtr> pending_;  // visible and not yet durable, by name
  std::uint64_t changes_ = 0;
  std::map<std::string, std::uint64_t> dirty_dirs_;  // have an entry not yet durable, as of this change
  std::set<std::string> durable_dirs_;               // have a durable entry in their parent
};

}  // namespace

Result<std::unique_ptr<Objects>> open_folder(std::string folder, Pool& pool) {
  const auto root = fs::absolute(folder).lexically_normal();
  const auto temp = root / kTemp;
  std::error_code ec;
  const bool existed = fs::exists(root, ec);
  fs::create_directories(temp, ec);
  if (ec) return io_error(fmt::format("cannot create {}", temp.string()), ec.value());
  if ((!existed && ::chmod(root.c_str(), 0700) != 0) || ::chmod(temp.c_str(), 0700) != 0)
    return io_error(fmt::format("cannot set the mode of {}", temp.string()), errno);
  auto objects = std::make_unique<FolderObjects>(root.string(), pool);
  objects->clean_temp();
  return objects;
}

}  // namespace vmc::store
