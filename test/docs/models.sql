-- The models that the pages of the reference use, made after setup.sql: of stars, of likes, and of clicks by text ids.

select from als.train('stars', 'ratings', factors => 16);
select from als.train('taste', 'likes', factors => 16, rating_col => null, feedback => 'implicit', alpha => 10,
                      seen => 'ratings');
select from als.train('clicks_model', 'shop.clicks', 'visitor', 'sku', factors => 16, rating_col => null,
                      feedback => 'implicit');
analyze;
