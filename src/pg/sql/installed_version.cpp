// Reads the version from the catalog, once a session where it is this one's.
#include "pg/sql/installed_version.h"

#include "pg/server/catalog_scan.h"
#include "pg/server/guard.h"

namespace als::pg {

namespace {

/// As als.control has it: the Makefile tells, as a number.
constexpr const char* kVersion = CppAsString2(ALS_VERSION);

const char* installed_version() {
  const char* version = "none";
  // The catalog is small: opening an index takes longer than reading it.
  find_in_catalog(ExtensionRelationId, InvalidOid, {}, [&](HeapTuple row, TupleDesc columns) {
    const auto* extension = reinterpret_cast<Form_pg_extension>(GETSTRUCT(row));
    if (std::strcmp(NameStr(extension->extname), "als") != 0) return false;
    bool is_null;
    const Datum extversion = catalog_column(row, Anum_pg_extension_extversion, columns, &is_null);
    version = TextDatumGetCString(extversion);
    return true;
  });
  return version;
}

}  // namespace

void check_installed_version() {
  static bool is_current = false;
  if (is_current) return;
  const char* installed = server([] { return installed_version(); });
  if (std::strcmp(installed, kVersion) != 0)
    throw UserError(
        ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format("the functions of als in this database are of version %s, and the library is of %s",
               installed, kVersion),
        "Run: alter extension als update. If that has been done, connect again.");
  is_current = true;
}

}  // namespace als::pg
