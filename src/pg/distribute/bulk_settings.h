// Settings of the server for the statements of a training.
#pragma once

namespace als::pg {

/// While it lasts, the session has the settings that such statements need, which handle few and
/// large values, but for packing. Like a snapshot it is left to the server after an error.
class BulkSettings {
 public:
  /// distributed: the statements run on tables that Citus has spread.
  explicit BulkSettings(bool distributed);
  void end();

 private:
  int level_;
};

}  // namespace als::pg
