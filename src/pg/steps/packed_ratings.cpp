// Reads the numbers of items.
#include "pg/steps/packed_ratings.h"

namespace als::pg {

SessionNumbers::SessionNumbers(ByteView bytes) {
  while (!bytes.empty()) {
    const auto head = take_off<NumbersHead>(bytes);
    if (head.items > bytes.size() / sizeof(std::uint32_t))
      throw InvalidBytes("these bytes are no numbers of items");
    auto found = std::find_if(sessions_.begin(), sessions_.end(),
                              [&](const Session& of) { return of.session == head.session; });
    if (found == sessions_.end()) found = sessions_.insert(found, {head.session, {}});
    if (head.first != found->numbers.size())
      throw InvalidBytes("the numbers of a session's items are not in order");
    const std::size_t size = head.items * sizeof(std::uint32_t);
    found->numbers.resize(head.first + head.items);
    std::memcpy(found->numbers.data() + head.first, bytes.data(), size);
    bytes.remove_prefix(size);
  }
}

const std::vector<std::uint32_t>& SessionNumbers::of(std::uint64_t session) const {
  for (const Session& of : sessions_)
    if (of.session == session) return of.numbers;
  throw InvalidBytes("ratings that a session has read which is not known");
}

}  // namespace als::pg
