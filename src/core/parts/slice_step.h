// A slice's steps.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/thread_team.h"
#include "core/linalg/factor_matrix.h"
#include "core/parts/slice_state.h"
#include "core/parts/sums.h"
#include "core/pieces/step_head.h"
#include "core/train/cg_row.h"

namespace als {

/// Some rows.
Factors rows_of(const Factors& factors, const std::vector<std::uint32_t>& rows);

/// Some rows, which are in the basis of the step, in that of the users as they are stored.
Factors for_users(const Factors& factors, const std::vector<std::uint32_t>& rows,
                  const StepHead& head, ThreadTeam& team);

/// Sums up what a slice reports at rest.
void come_to_rest(SliceState& state, ThreadTeam& team);

/// One step of a slice's half-step.
///
/// Users stay as they are stored; it is the items that come into the basis of their half-step, in
/// which users u would be u V and items y would be y W with V W^T = 1, and so the same scores. A
/// vector p of that basis is p V^T to users as they are, and what they sum up, s, is s V in it.
class SliceStep {
 public:
  SliceStep(SliceState& state, const StepHead& head, ThreadTeam& team);

  /// The sums of all parts, for the kind of the step.
  void run(SliceSums&& sums);

 private:
  bool careful() const;
  void start(SliceSums&& sums);
  void step(SliceSums&& sums);
  void compare(const SliceSums& sums);
  void settle();
  double settle_row(std::size_t r, bool all_in_doubt, float beyond, const Factors& before,
                    CgRow& row);
  void load(std::size_t r, CgRow& to) const;
  void to_users(Factors& vectors) const;
  void save(std::size_t r, CgRow& from);
  void restore(std::size_t r);
  void take_over();

  SliceState& state_;
  const StepHead& head_;
  ThreadTeam& team_;
  GramBasis basis_;
  CgEquations equations_;
};

}  // namespace als
