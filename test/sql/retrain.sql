-- als.retrain: as the model's row says, but for what is named; and what als.train says of what it forgets.
create schema retrain;
set search_path = retrain, public;
create table ratings as
select u as user_id, i as item_id, (u * 7 + i * 13) % 5 + 1 as rating, u * 10 as customer
from generate_series(1, 30) u, generate_series(1, 20) i where (u * u * 7 + i * i * 13 + u * i * 3) % 11 < 6;

select feedback, factors, alpha, options
from als.train('taste', 'ratings', feedback => 'implicit', factors => 8, alpha => 10, seed => 7, iterations => 4);

-- The same again, from the factors that it has: bit for bit what als.train makes of the same options.
create table before as select * from taste_item_factors;
select run, feedback, factors, alpha, seed, iterations, warm_start, options from als.retrain('taste');
select run, warm_start from als.train('twin', 'ratings', feedback => 'implicit', factors => 8, alpha => 10, seed => 7, iterations => 4);
select run, warm_start from als.train('twin', 'ratings', feedback => 'implicit', factors => 8, alpha => 10, seed => 7, iterations => 4, replace => true, warm_start => true);
select not exists (select * from taste_item_factors except select * from twin_item_factors) as is_twin,
	exists (select * from taste_item_factors except select * from before) as has_moved;

-- What is named differs, and stays so. Other factors, feedback or biases cannot begin with those that it has.
select run, factors, alpha, seed, warm_start from als.retrain('taste', alpha => 20, warm_start => false);
select run, factors, alpha, seed, warm_start from als.retrain('taste', factors => 4);
select run, factors, alpha, seed, warm_start from als.retrain('taste');
select als.retrain('taste', factors => 5, warm_start => true);
-- Options of the other kind of feedback are not taken along.
select feedback, factors, alpha, biases, warm_start, options from als.retrain('taste', feedback => 'explicit');
select feedback, biases, warm_start, options from als.retrain('taste', biases => false);
select feedback, biases, warm_start, options from als.retrain('taste', feedback => 'implicit');

-- Defaults that nobody has chosen are found anew, by what they depend on.
select round(regularization::numeric, 4) as regularization, options from als.train('defaults', 'ratings', factors => 4);
select abs(regularization - 0.1 * spread) < 1e-12 as is_default, reg_exponent, options from als.retrain('defaults', reg_exponent => 1);
select round(regularization::numeric, 4) as regularization, options from als.retrain('defaults', regularization => 0.5);
select round(regularization::numeric, 4) as regularization, options from als.retrain('defaults', reg_exponent => 0);
-- The biases' ridge: kept, and gone with the biases.
select bias_regularization, options from als.retrain('defaults', bias_regularization => 0.25);
select bias_regularization, biases, options from als.retrain('defaults');
select bias_regularization, biases, options from als.retrain('defaults', biases => false);
select als.retrain('defaults', bias_regularization => 1);
call als.retrain_in_steps('defaults', biases => true, bias_regularization => 0.5);
select bias_regularization, biases from als.latest_run('defaults');

-- Another source, other columns.
create view customers as select customer, item_id as sku from ratings where customer < 200;
select source, user_col, item_col, rating_col, n_users
from als.retrain('taste', source => 'customers', user_col => 'customer', item_col => 'sku', rating_col => 'sku');
select source, user_col, item_col, rating_col, n_users from als.retrain('taste');

-- No column of ratings any more; an id needs one.
begin;
select rating_col from als.retrain('taste', rating_col => '');
select rating_col, n_users from als.retrain('taste');
select als.retrain('taste', user_col => '');
rollback;

-- Factor tables of als 1.0 get what they lack, unless a column of the name is there.
begin;
alter table taste_user_factors drop column checksum;
alter table taste_item_factors drop column checksum, drop column popularity;
alter table taste_item_factors add column popularity text default 'high';
select run from als.retrain('taste', keep_previous => true);
select count(*) = count(checksum) as has_checksums from taste_user_factors;
select count(*) = count(checksum) as has_checksums, max(popularity) as popularity from taste_item_factors;
alter table taste_item_factors drop column popularity;
select run from als.retrain('taste');
select count(*) = count(popularity) as has_popularity from taste_item_factors;
rollback;

-- In steps, the same.
call als.retrain_in_steps('taste', source => 'ratings', user_col => 'user_id', item_col => 'item_id', rating_col => 'rating', iterations => 3);
select source, user_col, rating_col, n_users, iterations, warm_start from als.latest_run('taste');
call als.retrain_in_steps('taste', factors => 4096);
begin;
call als.retrain_in_steps('taste');
rollback;

-- A run before it is kept if asked for.
select run, warm_start from als.retrain('taste', keep_previous => true);
select run from als.rollback_model('taste');

-- als.train forgets what is not named, and says so. What is named, or was a default, it does not mention.
select feedback, factors, alpha from als.train('forgetful', 'ratings', feedback => 'implicit', factors => 8, alpha => 10);
select feedback, factors from als.train('forgetful', 'ratings', replace => true);
select factors from als.train('forgetful', 'ratings', factors => 8, regularization => 2, replace => true);
select factors, round(regularization::numeric, 4) as regularization from als.train('forgetful', 'ratings', factors => 16, replace => true);
select factors from als.train('forgetful', 'ratings', options => '{"factors": 16, "replace": true}');
create view renamed as select user_id as u, item_id as i, rating as user_id, item_id, rating from ratings;
select n_users from als.train('forgetful', 'renamed', user_col => 'u', item_col => 'i', rating_col => null, factors => 16, feedback => 'implicit', replace => true);
select n_users from als.train('forgetful', 'renamed', factors => 16, replace => true);

-- Runs of als 1.0 did not record what was chosen.
update taste set options = null;
select feedback, factors, round(alpha::numeric, 2) as alpha, iterations, warm_start, options - '{alpha,regularization}'::text[] as options from als.retrain('taste');
update taste set options = '{"factors": "many"}';
select als.retrain('taste');
select feedback, options from als.train('taste', 'ratings', factors => 4, replace => true);
update taste set options = '{"factors": 4, "colour": "red"}' where run = (select max(run) from taste);
select feedback, factors, warm_start from als.retrain('taste');

-- An imported model.
select source, feedback from als.import_model('imported', 'select user_id, factors from taste_user_factors', 'select item_id, factors from taste_item_factors');
select als.retrain('imported');
select source, feedback, factors, warm_start from als.retrain('imported', source => 'ratings', iterations => 2);

-- A source whose columns have been renamed, or whose ids have become others, wants to be told of it, and no more.
create table moved as select user_id, item_id, rating, customer from ratings;
select run from als.train('of_renamed', 'moved', factors => 2, seen => 'moved');
alter table moved rename user_id to "userId";
alter table moved rename rating to stars;
select als.retrain('of_renamed', rating_col => 'stars');
select run, user_col, rating_col from als.retrain('of_renamed', user_col => 'userId', rating_col => 'stars');
alter table moved alter "userId" type date using date '2020-01-01' + "userId";
select run from als.retrain('of_renamed');
select run from als.retrain('of_renamed', replace_ids => true);
select distinct pg_typeof(user_id) from of_renamed_user_factors;
select als.drop_model('of_renamed');

-- Errors.
select als.retrain('ratings');
select als.retrain('no_such_model');
select als.retrain(null);
select als.retrain('taste', factors => 0);
select als.retrain('taste', keep_previous => null);
select als.retrain('taste', source => 'no_such_table');
drop table ratings cascade;
select als.retrain('taste');
delete from taste;
select als.retrain('taste');

-- The row of a stranger names a source: that is not read for whoever names the model only.
create role als_retrain_owner;
create schema lent authorization als_retrain_owner;
set role als_retrain_owner;
create function lent.spy() returns int language plpgsql as $$ begin raise notice 'as %', current_user; return 1; end $$;
create table lent.ratings as select u as user_id, i as item_id, 1 + (u * i) % 5 as rating from generate_series(1, 9) u, generate_series(1, 6) i;
create view lent.spying as select * from lent.ratings where lent.spy() = 1;
select n_users from als.train('lent.model', 'lent.ratings', factors => 2, iterations => 2);
update lent.model set source = 'lent.spying', source_table = 'lent.spying';
reset role;
select als.retrain('lent.model');
update lent.model set source = 'lent.ratings', source_table = 'lent.ratings', seen = 'lent.spying', seen_table = 'lent.spying';
select als.retrain('lent.model');
update lent.model set seen = 'select * from lent.ratings', seen_table = null;
select als.retrain('lent.model');
update lent.model set seen = null;
select run from als.retrain('lent.model');
set client_min_messages = warning;
drop schema retrain, lent cascade;
drop role als_retrain_owner;
