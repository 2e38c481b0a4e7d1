// Refuses to write where nothing can be written.
#include "pg/server/may_write.h"

#include "pg/server/guard.h"
#include "pg/server/pg.h"

namespace als::pg {

void check_may_write(const char* what) {
  server([&] {
    PreventCommandIfReadOnly(what);
    PreventCommandDuringRecovery(what);
  });
}

}  // namespace als::pg
