// Settings of the server for a while.
#pragma once

#include "pg/server/guard.h"
#include "pg/server/pg.h"

namespace als::pg {

/// While it lasts, the session has the settings that were set in it. Like a snapshot it is left to
/// the server after an error.
class LocalSettings {
 public:
  void set(const char* name, const char* value) {
    server([&] {
      if (level_ == 0) level_ = NewGUCNestLevel();
      set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
    });
  }

  void end() {
    if (level_ > 0) server([&] { AtEOXact_GUC(true, level_); });
    level_ = 0;
  }

 private:
  int level_ = 0;
};

}  // namespace als::pg
