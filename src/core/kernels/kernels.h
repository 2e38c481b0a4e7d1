// The inner loops, compiled once for each level of vector instructions.
//
// They are written once, in the .inl files, with the compiler's vector extension, and compiled by
// baseline.cpp, avx2.cpp and avx512.cpp inside a region of another target
// and in a namespace without linkage. So no file needs other flags, and no inline function compiled
// for a newer processor can be picked by the linker for an older one.
#pragma once

#include <cstddef>
#include <cstdint>

// For the parts of the inner loops.
#define ALS_INLINE inline __attribute__((always_inline))

namespace als {

/// Everything works on blocks of 16 floats: a cache line, and a whole number of vectors at any
/// level.
inline constexpr std::size_t kBlock = 16;

constexpr std::size_t blocks_of(std::size_t n) { return (n + kBlock - 1) / kBlock; }

/// A symmetric or lower triangular matrix is held as rows of blocks: block row i has the columns 0
/// to 16 * (i + 1) - 1, and of each column the 16 entries in rows 16 * i and up, side by side. So
/// entry (r, c), c <= r, is at block_row_offset(r / 16) + 16 * c + r % 16, and a block row is laid
/// out like a panel of gathered vectors: one kernel serves for the Gram matrix and for its
/// factorisation.
constexpr std::size_t block_row_offset(std::size_t i) { return kBlock * kBlock * i * (i + 1) / 2; }

constexpr std::size_t matrix_floats(std::size_t n) { return block_row_offset(blocks_of(n)); }

constexpr std::size_t matrix_index(std::size_t row, std::size_t column) {
  return block_row_offset(row / kBlock) + kBlock * column + row % kBlock;
}

/// Some terms of a row's normal equations: g z z^T on the left, h z on the right. z = rows[e], and
/// one more component that is always 1 where there is a bias.
struct PanelTerms {
  const float* const* rows;   ///< each padded with zeros to a multiple of 16 floats
  const float* root_weights;  ///< sqrt(g)
  const float* rhs_weights;   ///< h
  std::size_t count;
  std::size_t factors;  ///< components of a row, without the bias
  bool bias;
  /// Rows of the terms that come next: fetched into the second-level cache meanwhile.
  const float* const* upcoming;
  std::size_t upcoming_count;
};

/// Some ratings of a row, for a pass of conjugate gradients: z_e is the vector numbered columns[e].
struct PassTerms {
  const float* vectors;  ///< row-major, padded with zeros to `stride`, a multiple of 16
  std::size_t stride;
  const std::uint32_t* columns;
  std::size_t count;
  /// So many of the columns, which may go on beyond `count`, name vectors to be fetched while at
  /// it.
  std::size_t fetched;
  float bias;            ///< what is added to every product
  float scale;           ///< w = scale |weights|
  const float* weights;  ///< All three can be read up to a whole block.
  const float* targets;  ///< h
  const float* values;   ///< what a score is to be: h times it is the loss where the score is zero
};

/// The loss of some ratings, sum of h values at zero, and sum of s (w s - 2 h) more where the
/// scores are s.
struct PassLoss {
  double at_zero;
  double beyond_zero;
};

/// What is added to the diagonal of a matrix: to its last entry, which may be a bias's, something
/// else than to the others.
struct Ridge {
  float others;
  float last;
};

/// A row's vectors in the middle of conjugate gradients, see core/linalg/conjugate_gradients.h.
struct CgVectors {
  float* x;
  float* residual;
  float* preconditioner;
  float* direction;
  float* product;
  float* partial_sum;
  std::size_t unknowns;  ///< floats of each, a multiple of 16
};

/// The diagonal matrix D that a row's equations have beside its ratings, and their mean.
struct CgDiagonal {
  const float* eigenvalues;   ///< of the first `factors` entries, or null if they have none
  const float* mean_squares;  ///< of the first `factors` entries; 1 for the others
  std::size_t factors;        ///< a multiple of 16
  Ridge ridge;                ///< of the first `factors` entries, and of the others
  float weight;               ///< of the mean squares
  float extra;                ///< one more ridge
};

/// Of columns k and k + 1 of a matrix: (q, r) becomes (c q - s r, s q + c r).
struct PlaneRotation {
  std::size_t column;
  double c;
  double s;
};

struct SearchRows;
struct SearchQuery;
struct FoundRows;
struct CosineRows;
struct CosineQuery;
struct TiledItems;
struct TileQueries;
struct ScoreRange;

struct Kernels {
  /// matrix += sum of g z z^T, rhs += sum of h z. `panel` is room for 16 * blocks_of(n) floats a
  /// term, n = factors + bias. Entries of the matrix above its diagonal are left undefined
  /// (finite).
  void (*accumulate)(const PanelTerms& terms, float* panel, float* matrix, float* rhs);

  /// L L^T = a + the ridge. L takes the place of `factor`, but for its diagonal, of which the
  /// inverse goes to inverse_diagonal (16 * blocks_of(n) floats). False if a pivot is smaller than
  /// `tolerance` times its diagonal entry, or not a number: then a is not safely positive definite.
  bool (*cholesky)(const float* a, std::size_t n, Ridge ridge, float tolerance, float* factor,
                   float* inverse_diagonal);

  /// Solves L L^T x = x in place; x is padded to 16 * blocks_of(n) floats.
  void (*cholesky_solve)(const float* factor, const float* inverse_diagonal, std::size_t n,
                         float* x);

  /// result += sum of c_e z_e, with c_e = h_e - w_e s_e and s_e = z_e . x + bias. Returns the sum
  /// of the c_e, and adds to the loss. x and result have `stride` floats.
  float (*residual_pass)(const PassTerms& terms, const float* x, float* result, PassLoss* loss);

  /// The same without targets, h_e = 0, and without the loss.
  float (*product_pass)(const PassTerms& terms, const float* p, float* result);

  /// The sum of w_e s_e^2.
  double (*curvature_pass)(const PassTerms& terms, const float* p);

  /// result += sum of h_e z_e.
  void (*add_vectors)(const PassTerms& terms, float* result);

  /// to += from, n floats, a multiple of 16, and from = 0.
  void (*move_sum)(float* from, float* to, std::size_t n);

  /// The first direction M^-1 r, and zeros for the product and the partial sum. Returns r^T M^-1 r.
  double (*cg_start)(const CgVectors& row);

  /// A step along the direction p, the product being -A p, and the next direction. `decrease`:
  /// r^T M^-1 r. Returns what that is after the step. *curvature: p^T A p; if it is not above zero
  /// there is no step.
  double (*cg_step)(const CgVectors& row, double decrease, double* curvature);

  /// x += length * p. Only the last step, after which no residual is asked for, is so short.
  void (*cg_last_step)(const CgVectors& row, float length);

  /// x += share * (x - start), n floats, a multiple of 16.
  void (*over_relax)(float* x, const float* start, float share, std::size_t n);

  /// residual -= D x. Returns x^T D x.
  double (*subtract_diagonal)(const CgDiagonal& diagonal, const CgVectors& row);

  /// p^T (D + extra) p.
  double (*diagonal_curvature)(const CgDiagonal& diagonal, const CgVectors& row);

  /// product -= (D + extra) p.
  void (*subtract_diagonal_product)(const CgDiagonal& diagonal, const CgVectors& row);

  /// M^-1: one over D + extra + weight * mean squares, 0 where that is not above zero.
  void (*precondition)(const CgDiagonal& diagonal, const CgVectors& row);

  /// Multiplies each of `count` rows of n floats, padded with zeros to `stride` of them, by a
  /// matrix from the right. The matrix comes in blocks of 16 columns, one after the other, each
  /// with the 16 entries of its n rows side by side, padded with zeros.
  void (*transform)(float* rows, std::size_t count, std::size_t stride, std::size_t n,
                    const float* matrix);

  /// Turns columns of eight rows, the eight entries of each side by side.
  void (*rotate_columns)(double* columns, const PlaneRotation* rotations, std::size_t count);

  /// sums[k] += weight * x[k]^2, n of them.
  void (*add_weighted_squares)(const float* x, double weight, std::size_t n, double* sums);

  /// x[k] *= scales[k], n of them.
  void (*scale)(float* x, const float* scales, std::size_t n);

  float (*dot)(const float* a, const float* b, std::size_t n);

  /// products[i] = rows[i] . x, with the bits that dot gives. rows is padded with zeros to a stride
  /// that is a multiple of 16 floats; x has n floats.
  void (*multiply)(const float* rows, std::size_t row_count, std::size_t stride, const float* x,
                   std::size_t n, float* products);

  /// Finds the next rows whose bounds, see search_block.h, are not below `least`.
  void (*find_scores)(const SearchRows& rows, const SearchQuery& query, float least,
                      FoundRows* found);

  /// Of the rows in each of the 16 places of blocks [begin, end), the one whose prefix alone makes
  /// the best score: that number, which is no bound, and its block.
  void (*best_prefix_scores)(const SearchRows& rows, const SearchQuery& query, std::size_t begin,
                             std::size_t end, float* scores, std::int32_t* blocks);

  /// Bounds on the products with each of the blocks [begin, end), as many as fill blocks of bounds,
  /// begin being a multiple of 16; and of the blocks in each place of these the number of one with
  /// the largest, but for the place.
  void (*bound_cosine_blocks)(const CosineRows& rows, const CosineQuery& query, std::size_t begin,
                              std::size_t end, std::int32_t* bounds, std::int32_t* best);

  /// Finds the next rows, of `count` blocks with these numbers, whose cosines with the query may be
  /// `least` or more.
  void (*find_cosines)(const CosineRows& rows, const CosineQuery& query,
                       const std::uint32_t* blocks, std::size_t count, float least,
                       FoundRows* found);

  /// Which items of tiles [begin, end) may score least[q] or more with query q: a bit for each, in
  /// found[q * (end - begin) + (tile - begin)].
  void (*find_in_tiles)(const TiledItems& items, std::size_t begin, std::size_t end,
                        const TileQueries& queries, const float* least, std::uint64_t* found);

  /// What those items score, but for the margin: 64 * (end - begin) scores for each query.
  void (*score_tiles)(const TiledItems& items, std::size_t begin, std::size_t end,
                      const TileQueries& queries, float* scores);

  /// Adds to above[r] how many of the scores are above range r, and to not_under[r] how many are
  /// not under it. The ranges' lower ends ascend. `count` is a multiple of 16; `kept` has room for
  /// as many scores and 16 more.
  void (*count_scores)(const float* scores, std::size_t count, const ScoreRange* ranges,
                       std::size_t range_count, float* kept, std::uint32_t* above,
                       std::uint32_t* not_under);

  /// Which of the scores are in the range, its ends included. Returns their number. There is room
  /// for a multiple of 16 scores.
  std::size_t (*find_in_range)(const float* scores, std::size_t count, const ScoreRange& range,
                               std::uint32_t* found);

  /// a.b in double precision, with the same bits at every level.
  double (*dot_in_double)(const float* a, const float* b, std::size_t n);

  /// What a cosine is made of beside a.a: a.b and b.b, with the bits that dot_in_double gives.
  void (*cosine_products)(const float* a, const float* b, std::size_t n, double* ab, double* bb);

  // For core/pieces/rounded_factors, with the same bits at every level. n is a multiple of 16,
  // scales are powers of two.

  /// The largest one of x[k] * scales[k], as the bits of its absolute value.
  std::int32_t (*largest_magnitude)(const float* x, const float* scales, std::size_t n);

  /// Raises largest[k] to that of x[k] * scale.
  void (*raise_magnitudes)(const float* x, float scale, std::size_t n, std::int32_t* largest);

  /// multiples[k] = x[k] * scales[k] * scale, rounded to the nearest or the even one.
  void (*to_multiples)(const float* x, const float* scales, float scale, std::size_t n,
                       std::int16_t* multiples);

  /// x[k] = multiples[k] * scale * scales[k].
  void (*from_multiples)(const std::int16_t* multiples, const float* scales, float scale,
                         std::size_t n, float* x);
};

const Kernels& baseline_kernels();
#if defined(__x86_64__)
const Kernels& avx2_kernels();
const Kernels& avx512_kernels();

/// The same, but for the products of 16-bit integers, which such processors add up at once.
const Kernels& avx512_vnni_kernels();
#endif

/// Those of the current level.
const Kernels& kernels();

}  // namespace als
