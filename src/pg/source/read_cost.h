// Whether the rows of one user can be found without reading all of a source.
#pragma once

#include "pg/source/rating_source.h"

namespace als::pg {

/// What to do about a source that is read as a whole for the rows of one user, as als.recommend
/// asks for them; empty where it is not, or is small. The server's planner judges. Within an SPI
/// connection, as the caller.
std::string advice_on_reading(const DescribedSource& source);

}  // namespace als::pg
