// Memory that has been freed and not yet given back.
#pragma once

namespace als {

/// Gives the system back what the allocator keeps for later: freed memory between what is still in
/// use, of which a phase with large vectors may leave much. Whatever takes it again waits for new
/// pages, so it is worth doing between two phases, and not in a loop. Where the C library has no
/// such call nothing happens.
void give_back_unused_memory();

}  // namespace als
