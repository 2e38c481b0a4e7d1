// One side of a model, ready to score.
#include "pg/cache/loaded_factors.h"

#include "pg/cache/factor_loader.h"

namespace als::pg {

LoadedFactors::Header LoadedFactors::layout(std::size_t size, std::size_t factors,
                                            std::size_t id_bytes) {
  const auto aligned = [](std::uint64_t place) { return CACHELINEALIGN(place); };
  Header header{};
  header.size = size;
  header.factors = factors;
  header.stride = FactorMatrix(0, factors).stride();
  header.rows = aligned(sizeof(Header));
  header.bias = header.rows + size * header.stride * sizeof(float);
  header.n_ratings = aligned(header.bias + size * sizeof(float));
  header.popularity = header.n_ratings + size * sizeof(std::int32_t);
  header.ids = aligned(header.popularity + size * sizeof(float));
  header.end = header.ids + id_bytes;
  return header;
}

LoadedFactors::LoadedFactors(const Model& model, Side side, std::shared_ptr<Segment> segment)
    : segment_(std::move(segment)),
      header_(at<Header>(0)),
      context_("als factor ids"),
      type_(server([&] { return factor_id_type(model, side, context_.get()); })),
      ids_(type_, at<char>(header_->ids)),
      rows_{at<float>(header_->rows), header_->size, header_->factors, header_->stride} {}

}  // namespace als::pg
