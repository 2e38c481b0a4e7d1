// libFuzzer: any bytes as what a training over parts sends about, with right checksums, so that
// what they say is believed as far as it can be.
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "../core/recorded_bytes.h"

namespace {

struct Readers {
  als::ThreadTeam team{1};
  std::vector<std::unique_ptr<als::Recorder>> recorders;
  std::vector<als::SentBytes> all = als::all_inputs(team, recorders);
};

Readers& readers() {
  static Readers readers;
  return readers;
}

}  // namespace

/// Whole bytes to begin with, each behind the number of its reader: -seeds=FOLDER writes them.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const std::string option = "-seeds=";
  for (int i = 1; i < *argc; ++i) {
    const std::string argument = (*argv)[i];
    if (argument.rfind(option, 0) != 0) continue;
    for (std::size_t n = 0; n < readers().all.size(); ++n) {
      std::ofstream file(argument.substr(option.size()) + "/seed-" + std::to_string(n));
      file << static_cast<char>(n) << readers().all[n].bytes;
    }
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return -1;
  const als::SentBytes& reader = readers().all[data[0] % readers().all.size()];
  als::Bytes bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  als::forge_checksum(bytes);
  // In memory of that size: the sanitizer sees what is read beyond it.
  const std::vector<char> exact(bytes.begin(), bytes.end());
  try {
    reader.read({exact.data(), exact.size()});
  } catch (const als::InvalidBytes&) {
  } catch (const std::range_error&) {
  } catch (const std::length_error&) {
  }
  return 0;
}
