-- What stands before the trade of two years begins: who buys, sells and carries, what, and from where. It is the same at
-- every run; `bench.orders` says how many orders there will be. `seed_orders.sql` adds them, in the same session.
-- Nothing here is random: `draw` answers a number below a bound from a row's number and a salt.

create function pg_temp.draw(number bigint, salt bigint, below bigint) returns bigint
language sql immutable as $$ select (hashint8extended(number, salt) & 9223372036854775807) % below $$;

-- A number from 1 to `most` of which the small ones come more often, as some customers and products do.
create function pg_temp.favoured(number bigint, salt bigint, most bigint) returns bigint
language sql immutable as $$ select 1 + floor(power(pg_temp.draw(number, salt, 1000000) / 1000000.0, 2) * most)::bigint $$;

create temporary table sizes as
select orders, greatest(orders / 2, 100) as customers, greatest(orders / 20, 200) as products, 50 as suppliers,
       20 as locations, 5 as carriers, timestamptz '2024-01-01 00:00:00Z' as began, interval '730 days' / orders as pace
from (select current_setting('bench.orders')::bigint as orders) told;

insert into suppliers (id, code, name, email, lead_time_days, city, country_code) overriding system value
select n, 'SUP-' || lpad(n::text, 4, '0'), 'Supplier ' || n, 'orders@supplier-' || n || '.example',
       3 + pg_temp.draw(n, 10, 30)::int, 'Campinas', 'BR'
from sizes, generate_series(1, suppliers) n;

insert into carriers (id, code, name, tracking_url_template) overriding system value
select n, 'CAR-' || n, 'Carrier ' || n, 'https://carrier-' || n || '.example/{tracking_number}'
from sizes, generate_series(1, carriers) n;

insert into channels (id, code, name, currency) overriding system value
values (1, 'WEB', 'The web shop', 'BRL'), (2, 'MARKET', 'The marketplace', 'BRL');

insert into locations (id, code, name, kind, path, time_zone, sells, fulfils, city, country_code, latitude, longitude)
overriding system value
select n, 'WH-' || lpad(n::text, 2, '0'), 'Warehouse ' || n, 'WAREHOUSE', '/WH-' || lpad(n::text, 2, '0') || '/',
       'America/Sao_Paulo', true, true, 'City ' || n, 'BR', -23.5 + n / 10.0, -46.6 - n / 10.0
from sizes, generate_series(1, locations) n;

insert into customers (id, number, name, kind, email, city, country_code, created_at) overriding system value
select n, 'C-' || lpad(n::text, 7, '0'), 'Customer ' || n,
       case when pg_temp.draw(n, 11, 10) = 0 then 'BUSINESS' else 'PERSON' end,
       'customer-' || n || '@mail.example', 'City ' || pg_temp.draw(n, 12, 400), 'BR', began
from sizes, generate_series(1, customers) n;

insert into products (id, sku, name, description, category, status, weight_grams, length_mm, width_mm, height_mm,
                      supplier_id, created_at) overriding system value
select n, 'SKU-' || lpad(n::text, 7, '0'), 'Product ' || n, 'What product ' || n || ' is, told in one sentence.',
       'category-' || pg_temp.draw(n, 13, 70),
       case when pg_temp.draw(n, 14, 20) = 0 then 'DRAFT' else 'PUBLISHED' end,
       100 + pg_temp.draw(n, 15, 5000)::int, 100, 80, 60, 1 + pg_temp.draw(n, 16, suppliers),
       began + n * interval '1 second'
from sizes, generate_series(1, products) n;

insert into prices (product_id, channel_id, currency, amount)
select n, channel, 'BRL', 5 + pg_temp.draw(n, 17, 50000) / 100.0 + channel
from sizes, generate_series(1, products) n, generate_series(1, 2) channel;

insert into stock_levels (product_id, location_id, on_hand, held, incoming, reorder_point)
select n, (n * 7 + place * 5) % locations + 1, 20 + pg_temp.draw(n, 18 + place, 500)::int,
       pg_temp.draw(n, 22 + place, 10)::int, 0, 25
from sizes, generate_series(1, products) n, generate_series(0, 3) place;

select setval(pg_get_serial_sequence(name, 'id'), 10000000)
from unnest(array['suppliers', 'carriers', 'channels', 'locations', 'customers', 'products', 'orders', 'order_lines',
                  'fulfilments', 'fulfilment_lines', 'shipments', 'parcels', 'returns']) name;
