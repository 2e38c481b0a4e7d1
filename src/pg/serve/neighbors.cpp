// Searches a side for the rows most like one of its own.
#include "pg/serve/neighbors.h"
#include "core/linalg/products.h"

namespace als::pg {

std::vector<ScoredItem> neighbours(ServedModel& served, Side which, std::uint32_t index,
                                   std::size_t k, bool by_cosine, const Bitmap* excluded) {
  const LoadedFactors& side = served.side(which);
  const float* row = side.rows().row(index);
  // One more, since the row itself may be among them.
  const std::size_t wanted = std::min(k, side.size()) + 1;
  std::vector<ScoredItem> best;
  if (by_cosine) {
    best = served.cosine_search(which).best(row, wanted, excluded);
  } else {
    // The search would add the biases, which have no part in how alike two vectors are.
    std::vector<float> scores(side.size());
    score_all(side.rows(), nullptr, 0.0F, row, scores.data());
    TopK top(wanted);
    for (std::size_t i = 0; i < scores.size(); ++i)
      if (excluded == nullptr || !(*excluded)[i])
        top.offer(static_cast<std::uint32_t>(i), scores[i]);
    best = top.take();
  }
  auto itself = std::find_if(best.begin(), best.end(),
                             [&](const ScoredItem& found) { return found.item == index; });
  if (itself != best.end())
    best.erase(itself);
  else if (best.size() > k)
    best.pop_back();
  return best;
}

}  // namespace als::pg
