// Sums that a session keeps on their way from its parts to its slices.
#pragma once

#include <memory>
#include <optional>

#include "core/parts/part_sums.h"
#include "pg/server/interrupts.h"
#include "pg/steps/kept_block.h"

namespace als::pg {

/// What the chunks of a part add up to, for the block of this session.
struct SumsOfPart {
  SumsOfPart(std::uint32_t part, int threads)
      : team(interruptible_team(threads)), block(kept_block()), sums(block->block, part, team) {}

  ThreadTeam team;
  std::shared_ptr<const KeptBlock> block;
  PartSums sums;
};

/// A value that stands for the sums of a part, until those of another part are stored.
Datum store_part_sums(std::unique_ptr<SumsOfPart> sums);

/// The piece of a slice, out of such a value or out of pieces one after the other: sums of a slice
/// that this session keeps stay here, as store_sums() has it. Throws InvalidBytes.
Datum piece_of(ByteView sums, std::uint32_t slice);

/// A value for sums of a slice. Those of one that this session keeps are kept, too, to the end of
/// the transaction or until they are taken, if they take no more than a quarter of als.max_memory
/// with others.
Datum store_sums(SliceSums&& sums);

/// The sums that such a value stands for, or none where it is their bytes. Throws InvalidBytes.
std::optional<SliceSums> take_sums(ByteView value);

}  // namespace als::pg
