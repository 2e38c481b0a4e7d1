// Sums that a session keeps on their way from its parts to its slices.
#pragma once

#include <memory>
#include <optional>

#include "core/parts/part_sums.h"
#include "pg/server/interrupts.h"
#include "pg/server/pg.h"
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

/// A value that stands for the sums of a part, until a piece of each slice has been taken, or those
/// of another part are stored.
Datum store_part_sums(std::unique_ptr<SumsOfPart> sums);

/// The piece of a slice, out of such a value or out of pieces one after the other. That of a slice
/// which this session has stays here, if there is room. Throws InvalidBytes.
Datum piece_of(ByteView sums, std::uint32_t slice);

/// A value for sums that this session will take: kept if there is room for them, see KeptValues.
Datum store_sums(SliceSums&& sums);

/// The sums that such a value stands for, or none where it is their bytes. Throws InvalidBytes.
std::optional<SliceSums> take_sums(ByteView value);

}  // namespace als::pg
