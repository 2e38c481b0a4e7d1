// Asks all nodes, by a function of Citus, for their version of the extension.
#include "pg/nodes/cluster_nodes.h"

#include "pg/sql/spi.h"

namespace als::pg {

namespace {

constexpr const char* kVersion =
    "select extversion from pg_catalog.pg_extension where extname operator(pg_catalog.=) 'als'";

constexpr const char* kAllAreNeeded =
    "All nodes are needed: start the server there, or take it out of the cluster.";

constexpr const char* kNodes =
    "from pg_catalog.pg_dist_node where isactive and noderole operator(pg_catalog.=) 'primary'";

/// found: the node's version, or what keeps it from answering.
void check_node(const std::string& node, bool answers, const std::string& found,
                const std::string& here) {
  if (!answers)
    throw UserError(ERRCODE_CONNECTION_FAILURE, format("node %s does not answer", node.c_str()),
                    kAllAreNeeded, found);
  if (found.empty())
    throw UserError(
        ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format("node %s is without the extension als", node.c_str()),
        "Run there: set citus.enable_ddl_propagation = off; create extension als version '" + here +
            "'.");
  if (found != here)
    throw UserError(
        ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format("node %s has als %s, and this one %s", node.c_str(), found.c_str(), here.c_str()),
        "Install the same version on all nodes, then run on the coordinator: alter "
        "extension als update.");
}

}  // namespace

std::int64_t number_of_nodes() { return count_rows(kNodes); }

std::int64_t number_of_shard_nodes() {
  return count_rows(std::string(kNodes) + " and shouldhaveshards");
}

bool is_coordinator() {
  return count_rows("from pg_catalog.pg_dist_local_group where groupid operator(pg_catalog.=) 0") >
         0;
}

void check_is_coordinator() {
  if (is_coordinator()) return;
  std::string where = "the coordinator";
  for_each_current_row(
      "select pg_catalog.concat_ws(':', nodename, nodeport) from pg_catalog.pg_dist_node where "
      "groupid operator(pg_catalog.=) 0",
      {TEXTOID}, [&](TupleTableSlot* slot) { where += ", " + text_value(slot->tts_values[0]); });
  throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED, "this node is not the coordinator of the cluster",
                  "Connect to " + where + ", and run it there.",
                  "Citus lets tables be made and dropped there alone.");
}

void lock_tables_on_nodes(const std::string& lock) {
  try {
    execute(lock);
  } catch (const ServerError& error) {
    if (error.data->sqlerrcode == ERRCODE_CONNECTION_FAILURE && error.data->hint == nullptr)
      server([&] { error.data->hint = pstrdup(kAllAreNeeded); });
    throw;
  }
}

void check_nodes() {
  check_is_coordinator();
  for_each_current_row(std::string("select pg_catalog.concat_ws(':', nodename, nodeport), success, "
                                   "coalesce(result, ''), (") +
                           kVersion +
                           ")::pg_catalog.text from pg_catalog.run_command_on_workers($als$" +
                           kVersion + "$als$)",
                       {TEXTOID, BOOLOID, TEXTOID, TEXTOID}, [](TupleTableSlot* slot) {
                         const Datum* values = slot->tts_values;
                         check_node(text_value(values[0]), DatumGetBool(values[1]),
                                    text_value(values[2]), text_value(values[3]));
                       });
}

}  // namespace als::pg
