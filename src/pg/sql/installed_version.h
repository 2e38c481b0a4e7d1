// The version of als whose SQL this database has.
#pragma once

namespace als::pg {

/// Throws 55000 where the SQL of another version than this library's is installed, as after an
/// installation of files and before `alter extension als update`.
void check_installed_version();

}  // namespace als::pg
