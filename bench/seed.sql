-- Trade of two years in the tables of the house, the same at every run. `bench.orders` says how many orders there are.
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

create temporary table planned_orders as
select n as id, pg_temp.favoured(n, 30, customers) as customer_id, 1 + pg_temp.draw(n, 31, 2) as channel_id,
       began + n * pace as placed_at, 1 + (pg_temp.draw(n, 32, 100) / 50 + pg_temp.draw(n, 33, 100) / 60)::int as lines,
       case when drawn < 80 then 'DELIVERED' when drawn < 88 then 'SHIPPED' when drawn < 93 then 'PLACED'
            when drawn < 97 then 'ALLOCATED' else 'CANCELLED' end as status,
       drawn < 80 and pg_temp.draw(n, 34, 100) < 4 as returned,
       pg_temp.draw(n, 35, 100) < 20 as splits
from sizes, lateral (select n, pg_temp.draw(n, 36, 100) as drawn from generate_series(1, orders) n) drawn;

create temporary table planned_lines as
select id * 4 + place as id, id as order_id, place as position, status, placed_at, returned and place = 1 as returned,
       pg_temp.favoured(id * 4 + place, 37, products) as product_id,
       1 + pg_temp.draw(id * 4 + place, 38, 3)::int as quantity,
       5 + pg_temp.draw(id * 4 + place, 39, 50000) / 100.0 as price,
       id * 2 + case when splits and place > 1 then 1 else 0 end as fulfilment_id
from sizes, planned_orders, generate_series(1, planned_orders.lines) place;

insert into orders (id, status, payment_status, channel_id, currency, customer_id, customer_name, customer_email,
                    subtotal_amount, shipping_amount, total_amount, shipping_recipient, shipping_line1, shipping_city,
                    shipping_country_code, placed_at, estimated_delivery_at, shipped_at, delivered_at, cancelled_at,
                    created_at, updated_at) overriding system value
select id, status, case when status = 'CANCELLED' then 'PENDING' else 'PAID' end, channel_id, 'BRL', customer_id,
       'Customer ' || customer_id, 'customer-' || customer_id || '@mail.example', subtotal, 12.5, subtotal + 12.5,
       'Customer ' || customer_id, 'Street ' || id % 900, 'City ' || pg_temp.draw(customer_id, 12, 400), 'BR',
       placed_at, placed_at + interval '9 days',
       case when status in ('SHIPPED', 'DELIVERED') then placed_at + interval '1 day' end,
       case when status = 'DELIVERED' then placed_at + interval '6 days' end,
       case when status = 'CANCELLED' then placed_at + interval '1 hour' end, placed_at, placed_at
from planned_orders
join (select order_id, sum(price * quantity) as subtotal from planned_lines group by order_id) summed on order_id = id;

insert into order_lines (id, order_id, position, product_id, quantity, quantity_allocated, quantity_shipped,
                         quantity_returned, quantity_cancelled, unit_price_amount, currency, tax_included,
                         created_at)
overriding system value
select id, order_id, position, product_id, quantity,
       case when status in ('ALLOCATED', 'SHIPPED', 'DELIVERED') then quantity else 0 end,
       case when status in ('SHIPPED', 'DELIVERED') then quantity else 0 end,
       case when returned then quantity else 0 end,
       case when status = 'CANCELLED' then quantity else 0 end, price, 'BRL', false, placed_at
from planned_lines;

insert into fulfilments (id, order_id, customer_id, location_id, status, picked_at, packed_at, shipped_at, created_at)
overriding system value
select distinct fulfilment_id, order_id, customer_id, 1 + pg_temp.draw(fulfilment_id, 40, locations),
       case when line.status = 'ALLOCATED' then 'ALLOCATED' else 'SHIPPED' end,
       case when line.status <> 'ALLOCATED' then line.placed_at + interval '12 hours' end,
       case when line.status <> 'ALLOCATED' then line.placed_at + interval '13 hours' end,
       case when line.status <> 'ALLOCATED' then line.placed_at + interval '1 day' end, line.placed_at
from sizes, planned_lines line join planned_orders on planned_orders.id = order_id
where line.status in ('ALLOCATED', 'SHIPPED', 'DELIVERED');

insert into fulfilment_lines (id, fulfilment_id, order_line_id, product_id, quantity, quantity_picked, quantity_packed,
                              created_at) overriding system value
select id, fulfilment_id, id, product_id, quantity, case when status = 'ALLOCATED' then 0 else quantity end,
       case when status = 'ALLOCATED' then 0 else quantity end, placed_at
from planned_lines where status in ('ALLOCATED', 'SHIPPED', 'DELIVERED');

create temporary table planned_shipments as
select distinct fulfilment_id as id, order_id, status, placed_at, case when status = 'DELIVERED' then 5 else 3 end
       + pg_temp.draw(fulfilment_id, 41, 3)::int as events
from planned_lines where status in ('SHIPPED', 'DELIVERED');

insert into shipments (id, order_id, customer_id, fulfilment_id, carrier_id, tracking_number, tracking_token, status,
                       origin_location_id, destination_recipient, destination_city, destination_country_code,
                       dispatched_at, estimated_delivery_at, last_event_at, delivered_at, created_at)
overriding system value
select shipment.id, shipment.order_id, fulfilment.customer_id, shipment.id, 1 + pg_temp.draw(shipment.id, 42, carriers),
       'TN' || lpad(shipment.id::text, 10, '0'), md5('bench' || shipment.id),
       case when shipment.status = 'DELIVERED' then 'DELIVERED' else 'IN_TRANSIT' end, fulfilment.location_id,
       'Customer ' || fulfilment.customer_id, 'City ' || pg_temp.draw(fulfilment.customer_id, 12, 400), 'BR',
       placed_at + interval '1 day', placed_at + interval '9 days', placed_at + interval '6 days',
       case when shipment.status = 'DELIVERED' then placed_at + interval '6 days' end, placed_at
from sizes, planned_shipments shipment join fulfilments fulfilment on fulfilment.id = shipment.id;

insert into parcels (id, fulfilment_id, shipment_id, weight_grams, packed_at, shipped_at) overriding system value
select id, id, id, 300 + pg_temp.draw(id, 43, 9000)::int, placed_at + interval '13 hours', placed_at + interval '1 day'
from planned_shipments;

insert into parcel_lines (parcel_id, fulfilment_line_id, product_id, quantity)
select fulfilment_id, id, product_id, quantity from planned_lines where status in ('SHIPPED', 'DELIVERED');

insert into tracking_events (shipment_id, status, description, occurred_at, place, source_reference)
select id,
       case when step = 1 then 'INFO_RECEIVED' when step = 2 then 'PICKED_UP'
            when status = 'DELIVERED' and step = events then 'DELIVERED'
            when status = 'DELIVERED' and step = events - 1 then 'OUT_FOR_DELIVERY' else 'IN_TRANSIT' end,
       'Step ' || step || ' of the journey.', placed_at + interval '1 day' + (step - 1) * interval '5 days' / events,
       'Depot ' || pg_temp.draw(id + step, 44, 90), id || '-' || step
from planned_shipments, generate_series(1, events) step;

insert into returns (id, order_id, customer_id, status, reason, location_id, approved_at, received_at, disposed_at,
                     closed_at, created_at) overriding system value
select id, id, customer_id, 'REFUNDED', 'CHANGED_MIND', 1, placed_at + interval '10 days',
       placed_at + interval '15 days', placed_at + interval '16 days', placed_at + interval '17 days',
       placed_at + interval '9 days'
from planned_orders where returned;

insert into return_lines (return_id, order_line_id, product_id, quantity, quantity_received, condition, disposition)
select order_id, id, product_id, quantity, quantity, 'NEW', 'RESTOCK' from planned_lines where returned;

insert into refunds (return_id, order_id, amount, currency, method, recorded_at)
select order_id, order_id, price * quantity, 'BRL', 'ORIGINAL_PAYMENT', placed_at + interval '17 days' from planned_lines where returned;

select setval(pg_get_serial_sequence(name, 'id'), 10000000)
from unnest(array['suppliers', 'carriers', 'channels', 'locations', 'customers', 'products', 'orders', 'order_lines',
                  'fulfilments', 'fulfilment_lines', 'shipments', 'parcels', 'returns']) name;
