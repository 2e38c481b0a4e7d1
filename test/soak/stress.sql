-- What the sessions of test/soak/stress share.
create extension als;
create role stress_reader;
create table ratings (user_id int, item_id int, rating real, primary key (user_id, item_id));
insert into ratings
select u, i, 1 + (u * i) % 5 from generate_series(1, 300) u, generate_series(1, 120) i where (u * 7 + i * 5) % 4 = 0;
select from als.train('m', 'ratings', factors => 6, iterations => 2);
select from als.train('v', 'ratings', factors => 5, iterations => 2, feedback => 'implicit');
create sequence judged;

-- One list of a user's best items beside that of plain SQL, under one snapshot, as functions that are stable have their caller's.
create function judge(model text, u int, k int) returns void stable language plpgsql as $$
declare
  items text;
  users text;
  wrong text;
begin
  execute format('select item_factors, user_factors from %s order by run desc limit 1', model) into items, users;
  execute format($q$
    with list as materialized (
      select item_id, score, rank from als.recommend(%1$L, $1, $2, exclude_seen => false)
    ), scores as materialized (
      select item_id,
             (select sum(a::float8 * b) from unnest(i.factors, u.factors) as f(a, b))
             + coalesce((select case when biases then mean end from %1$s order by run desc limit 1), 0)
             + coalesce((to_jsonb(i) ->> 'bias')::float8, 0) + coalesce((to_jsonb(u) ->> 'bias')::float8, 0) as score
      from %2$s i, %3$s u where u.user_id = $1
    ), best as (
      select score, row_number() over (order by score desc) as rank from scores order by score desc limit $2
    )
    select string_agg(format('%%s %%s %%s', best, list, scores), '; ')
    from best full join list using (rank) left join scores using (item_id)
    where (abs(best.score - list.score) < 1e-4 and abs(scores.score - list.score) < 1e-4) is not true
  $q$, model, items, users) into wrong using u, k;
  if wrong is not null then
    raise exception 'model %, user %, k %: %', model, u, k, wrong;
  end if;
  perform nextval('judged');
end $$;

-- A statement on what other sessions make, drop and rename: it may find what it needs gone, or there already.
create function attempt(statement text) returns void language plpgsql as $$
begin
  execute statement;
exception
  when undefined_table or duplicate_table or duplicate_object or unique_violation or object_in_use or lock_not_available
       or object_not_in_prerequisite_state or wrong_object_type then
    null;
end $$;
