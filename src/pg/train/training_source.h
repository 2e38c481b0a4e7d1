// What all kinds of training do with their source before they read it.
#pragma once

#include "core/data/rating_statistics.h"
#include "pg/train/run_record.h"

namespace als::pg {

/// Describes the source and what else the request names, with warnings, notices and errors about
/// what is plain by then. The types of ids are allocated in `context`. The model is locked by now.
DescribedSource describe_training(const TrainRequest& request, ModelWriter& model,
                                  TrainReport& report, MemoryContext context);

/// Says so in a notice, and for the model's row. Nothing where the advice is empty.
void advise(TrainReport& report, const std::string& advice);

/// Says likewise that implicit feedback has ratings which outweigh all others.
void advise_on_tail(const RatingStatistics& statistics, TrainReport& report);

/// Says likewise, once the ratings are counted and their range is known, that most rows have been
/// skipped, or that nothing can be learnt: implicit feedback has nothing but dislikes, explicit
/// feedback one rating for everything.
void advise_on_ratings(const TrainRequest& request, TrainReport& report);

/// Tells whoever listens about the iteration that is done.
void tell_iteration(const TrainRequest& request, const TrainReport& report, double seconds);

}  // namespace als::pg
