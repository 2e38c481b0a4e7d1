// Reads the limits of control groups, of either version, up the hierarchy.
#include "core/base/cgroup_limits.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

namespace als {
namespace {

/// One hierarchy of groups. Version 2 has a single one, without controllers in its name.
struct Hierarchy {
  std::vector<std::string> controllers;
  std::string path;

  bool has(const std::string& controller) const {
    return std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
  }
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

/// The groups of the process: lines "number:controllers:path".
std::vector<Hierarchy> read_groups(const std::string& file) {
  std::vector<Hierarchy> groups;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    groups.push_back(
        {split(line.substr(first + 1, second - first - 1), ','), line.substr(second + 1)});
  }
  return groups;
}

/// What a group's file says, or nothing.
std::string first_line(const std::string& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

std::optional<double> number(const std::string& text) {
  std::istringstream stream(text);
  double value = 0;
  if (!(stream >> value) || value < 0) return std::nullopt;
  return value;
}

void limit_memory(CgroupLimits& limits, const std::string& file) {
  const std::optional<double> bytes = number(first_line(file));
  // Version 1 says 2^63, rounded to pages, where there is no limit.
  if (bytes && *bytes < 0x1p62) {
    limits.memory = std::min(limits.memory, static_cast<std::size_t>(*bytes));
  }
}

void limit_processors(CgroupLimits& limits, std::optional<double> quota,
                      std::optional<double> period) {
  if (quota && period && *quota > 0 && *period > 0) {
    limits.processors = std::min(limits.processors, *quota / *period);
  }
}

/// The limits of one group; a file that is not there limits nothing.
void add_limits(CgroupLimits& limits, const std::string& folder, bool version_2, bool memory,
                bool cpu) {
  if (version_2) {
    limit_memory(limits, folder + "/memory.max");
    const std::vector<std::string> max = split(first_line(folder + "/cpu.max"), ' ');
    if (max.size() == 2) limit_processors(limits, number(max[0]), number(max[1]));
  }
  if (memory) limit_memory(limits, folder + "/memory.limit_in_bytes");
  if (cpu) {
    limit_processors(limits, number(first_line(folder + "/cpu.cfs_quota_us")),
                     number(first_line(folder + "/cpu.cfs_period_us")));
  }
}

/// The group's place below the folder in which a mount shows the hierarchy from `root` down. In a
/// container that is often the group itself.
std::string below_mount(const std::string& path, const std::string& root) {
  if (root == "/") return path == "/" ? "" : path;
  const bool inside = path.compare(0, root.size(), root) == 0 &&
                      (path.size() == root.size() || path[root.size()] == '/');
  return inside ? path.substr(root.size()) : "";
}

}  // namespace

CgroupLimits cgroup_limits(const CgroupFiles& files) {
  CgroupLimits limits;
  const std::vector<Hierarchy> groups = read_groups(files.groups);
  std::ifstream mounts(files.mounts);
  for (std::string line; std::getline(mounts, line);) {
    // "id parent device root folder options [optional fields] - type source options"
    const std::vector<std::string> fields = split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (dash - fields.begin() < 6 || fields.end() - dash < 4) continue;
    const bool version_2 = dash[1] == "cgroup2";
    if (!version_2 && dash[1] != "cgroup") continue;
    const Hierarchy mounted{split(dash[3], ','), ""};
    const bool memory = !version_2 && mounted.has("memory");
    const bool cpu = !version_2 && mounted.has("cpu");
    for (const Hierarchy& group : groups) {
      const bool same = version_2 ? group.controllers.empty()
                                  : (memory && group.has("memory")) || (cpu && group.has("cpu"));
      if (!same) continue;
      std::string place = below_mount(group.path, fields[3]);
      for (;;) {
        add_limits(limits, fields[4] + place, version_2, memory, cpu);
        if (place.empty()) break;
        place.resize(place.rfind('/') == std::string::npos ? 0 : place.rfind('/'));
      }
    }
  }
  return limits;
}

}  // namespace als
