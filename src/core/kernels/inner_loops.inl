// All inner loops at one level, and their table.

// The order matters.
// clang-format off
#include "core/kernels/gram.inl"
#include "core/kernels/cholesky.inl"
#include "core/kernels/dot.inl"
#include "core/kernels/dot_in_double.inl"
#include "core/kernels/cg_pass.inl"
#include "core/kernels/cg_row.inl"
#include "core/kernels/search.inl"
#include "core/kernels/cosine_search.inl"
#include "core/kernels/rotate.inl"
#include "core/kernels/score_tile.inl"
#include "core/kernels/score_ranges.inl"
#include "core/kernels/rounding.inl"
// clang-format on

constexpr Kernels kKernels{accumulate,
                           cholesky,
                           cholesky_solve,
                           residual_pass,
                           product_pass,
                           curvature_pass,
                           add_vectors,
                           move_sum,
                           cg_start,
                           cg_step,
                           cg_last_step,
                           over_relax,
                           subtract_diagonal,
                           diagonal_curvature,
                           subtract_diagonal_product,
                           precondition,
                           transform,
                           rotate_columns,
                           add_weighted_squares,
                           scale,
                           dot,
                           multiply,
                           find_scores,
                           best_prefix_scores,
                           bound_cosine_blocks,
                           find_cosines,
                           find_in_tiles,
                           score_tiles,
                           count_scores,
                           find_in_range,
                           dot_in_double,
                           cosine_products,
                           largest_magnitude,
                           raise_magnitudes,
                           to_multiples,
                           from_multiples};
