// Whose code a caller may be made to run.
#pragma once

#include "pg/server/pg.h"

namespace als::pg {

/// Whether what this role owns may run, or be acted on, without the caller naming it: the caller
/// itself, a superuser, or a role whose rights the caller has, or which it may become, as a member.
/// That a superuser may do what any role may does not make it trust that role. A server call.
bool caller_trusts(Oid role, Oid caller = GetUserId());

/// The owner of a relation, or InvalidOid if there is none. A server call.
Oid owner_of(Oid relation);

/// The owner of a function, or InvalidOid if there is none. A server call.
Oid function_owner(Oid function);

/// Whether the caller trusts the owner of a function. A server call.
bool caller_trusts_function(Oid function, Oid caller = GetUserId());

/// Casts are found by the types alone: nobody has named their functions. Raises 42501 for one that
/// the caller does not trust; InvalidOid is none. A server call.
void check_cast_is_trusted(Oid from, Oid to, Oid function, const char* hint);

/// The same of `expression::to`, of an array's elements too; and unless both types belong to roles
/// that the caller trusts: an owner could make a cast later. A server call.
void check_reading_is_trusted(Oid from, Oid to, const char* hint);

/// Whether the caller trusts the owner of a type and, of a domain, that of the type below it. A
/// server call.
bool caller_trusts_type(Oid type);

/// Whether all functions in an expression belong to roles that the caller trusts, and all types
/// that may bring functions of their own. A server call.
bool caller_trusts_expression(Node* expression);

}  // namespace als::pg
