// Takes arrays apart.
#include "pg/sql/array_elements.h"

namespace als::pg {

ArrayElements array_elements(Datum datum) {
  ArrayType* array = DatumGetArrayTypeP(datum);
  ArrayElements elements;
  elements.type = ARR_ELEMTYPE(array);
  int16 length;
  bool by_value;
  char align;
  get_typlenbyvalalign(elements.type, &length, &by_value, &align);
  deconstruct_array(array, elements.type, length, by_value, align, &elements.values,
                    &elements.nulls, &elements.n);
  return elements;
}

}  // namespace als::pg
