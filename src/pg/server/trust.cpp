#include "pg/server/trust.h"

namespace als::pg {

bool is_trusted_by_caller(Oid role) {
  return server([&] {
    Oid caller = GetUserId();
    return role == caller || superuser_arg(role) || is_member_of_role_nosuper(caller, role);
  });
}

}  // namespace als::pg
